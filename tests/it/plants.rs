//! Each bug that can be planted in the server, with the test that catches it: a new bug does not compile without one.
//! Then the opposite: a program that is built to be handed out knows nothing of them.

#[cfg(feature = "plant")]
mod planted {
    use crate::plant_driver::{Plant, each_is_caught};
    use deedbook::plant::Bug;

    fn test_of(bug: Bug) -> &'static str {
        match bug {
            Bug::AckBeforeSync => "fault_matrix::every_write_lost_or_kept",
            Bug::PublishBeforeSync => "fault_matrix::readers_see_nothing_that_is_not_anchored",
            Bug::AnchorLeftBehind | Bug::AnchorUnread => "anchors::an_anchor_ahead_names_what_is_missing",
            Bug::SlotDamageUnread => "anchors::damaged_slots",
            Bug::WalModeDefault => "damage::the_engine_itself_refuses_a_damaged_record",
            Bug::EventIdRowDropped | Bug::RetryPlacedAgain | Bug::SequenceReused | Bug::RevisionReused => {
                "rules::numbering_revisions_and_event_ids_are_judged_by_what_stands_in_the_log"
            }
            Bug::ImportPlacedAgain => "openlineage_http::an_event_comes_in_once_byte_for_byte_as_the_ledgers_own_word",
            Bug::FailedReadIsAbsence => "fault_matrix::a_failed_read_is_no_absence",
            Bug::SealTimeBackwards => "recovery::an_accepted_clock_is_on_record_and_received_never_decreases",
            Bug::SmallerSizeSigned => "fault_matrix::no_smaller_size_is_ever_signed",
            Bug::PostingRowDropped | Bug::TileDropped | Bug::LineagePageDropped => {
                "damage::an_untouched_folder_exports_and_audits"
            }
            Bug::FrameRootUnread | Bug::BodyUnopened => "rules::a_wrong_frame_is_refused_by_name_and_leaves_no_trace",
            Bug::KeyNotRechecked => "rules::rotation_and_revocation_count_from_their_index_on",
            Bug::ErasedKeyKept => "erasure::no_file_holds_what_was_erased_and_all_else_still_proves",
            Bug::PurgeUncompacted => "store_purge::deleted_rows_are_in_no_file_from_whatever_level",
            Bug::SubscriptionSkipsOne => "consume::settled_is_settled_and_the_rest_comes_again",
            Bug::AckAheadTaken => "consume::bounds_are_refused_with_their_reason",
            Bug::PartialTileWhole | Bug::BundleShifted => "tiles::every_tile_and_bundle_of_the_sizes_1_to_600",
            Bug::WitnessSmallerSize => "witness::each_case_of_the_status_table",
            Bug::EvaluationAltered | Bug::ActionRowDropped => {
                "audit_actions::whatever_becomes_of_actions_is_found_again_by_the_audit"
            }
            Bug::GrantNotSpent => {
                "approval_story::an_action_waits_for_a_person_other_than_its_owner_and_runs_once_as_approved"
            }
            Bug::WitnessForgets => "witness::what_was_cosigned_is_remembered_across_kill_minus_nine",
        }
    }

    #[test]
    fn every_planted_bug_is_caught() {
        let plants: Vec<Plant> = Bug::ALL.iter().map(|bug| (bug.name(), test_of(*bug))).collect();
        each_is_caught(&plants);
        crate::support::cases("planted-bugs", plants.len() as u64);
    }
}

/// The Makefile says the same of the demo and of release builds, which have no feature.
#[test]
fn the_switch_is_in_the_binary_exactly_when_the_feature_is() {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_deedbook")).unwrap();
    let switch = b"DEEDBOOK_PLANT";
    let found = binary.windows(switch.len()).any(|window| window == switch);
    assert_eq!(found, cfg!(feature = "plant"));
}
