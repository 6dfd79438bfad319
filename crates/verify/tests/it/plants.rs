//! Each bug that can be planted in the verifier, with the test that catches it. A new bug does not compile without one.
#![cfg(feature = "plant")]

use crate::plant_driver::{Plant, each_is_caught};
use deedbook_verify::plant::Bug;

fn test_of(bug: Bug) -> &'static str {
    match bug {
        Bug::BodyUnopened => "receipts::every_byte_of_full_counts",
        Bug::TreeSizeIgnored => "tree_negative::mutated_inclusion_proofs_are_refused",
        Bug::WeakKeyTaken => "forged::each_reason_has_its_commands",
        Bug::EndedKeyTaken => "forged::keys_out_of_their_time_or_place",
        Bug::SignatureUnverified => "copies::signatures_and_roles_copied",
        Bug::FrameRootUnread => "copies::frames_taken_apart",
        Bug::QuorumMiscounted => "policy::quorums_agree_with_a_second_evaluation",
        Bug::CosignatureTwice => "witnessed::a_broken_line_of_a_known_key_refuses_the_whole_note",
        Bug::HoldUnread => "keeping::a_held_body_stays_until_the_hold_is_released",
        Bug::RetentionUnread => "keeping::retention_passes_with_the_day",
        Bug::GlassUnguarded => "glass::while_another_can_sign_nothing_takes_effect_alone",
        Bug::SilenceUncounted => "glass::who_stays_silent_is_removed_after_a_fortnight_to_the_microsecond",
        Bug::PackageRootUnread => "package_spoiled::what_nobody_signed_still_leads_elsewhere",
        Bug::PackageViewUnread | Bug::PackageHashUnread => "package_spoiled::each_malformed_package_has_its_own_code",
        Bug::PackageEdgeUnread => "packages::the_interval_reaches_over_the_edge_of_the_period",
        Bug::BeforeUnproved => "packages::what_stood_before_is_judged",
        Bug::SilenceForgotten => "package_behind_silence::a_silence_that_an_ordinary_command_broke_stays_broken",
        Bug::NonceUnread => "packages::samples_are_drawn_again_by_hand",
        Bug::SelfApprovalTaken => "planted::approvals_are_judged_row_by_row",
        Bug::OrphanTaken => "planted_movement::exports_are_approved_and_have_an_origin",
        Bug::SilentSourceTaken => "planted::silent_and_lossy_sources_are_found",
        Bug::SequenceUnread | Bug::ReceivedUnread => "forged::streams_and_sources_out_of_order",
    }
}

#[test]
fn every_planted_bug_is_caught() {
    let plants: Vec<Plant> = Bug::ALL.iter().map(|bug| (bug.name(), test_of(*bug))).collect();
    each_is_caught(&plants);
}
