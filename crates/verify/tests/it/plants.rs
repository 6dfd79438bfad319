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
        Bug::SequenceUnread | Bug::ReceivedUnread => "forged::streams_and_sources_out_of_order",
    }
}

#[test]
fn every_planted_bug_is_caught() {
    let plants: Vec<Plant> = Bug::ALL.iter().map(|bug| (bug.name(), test_of(*bug))).collect();
    each_is_caught(&plants);
}
