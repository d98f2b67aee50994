-- Who may call what: run after all functions are there. Trigger functions need no right to fire.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rowcall FROM PUBLIC;

DO $$
BEGIN
    IF to_regrole('rowcall_publisher') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION rowcall.publish, rowcall.revalidate, rowcall.revalidate_user, rowcall.fields,
            rowcall.readable, rowcall.iso, rowcall.json_with_iso, rowcall.json_at_utc, rowcall.json_at_other_zone, rowcall.with_iso,
            rowcall.json_settled,
            rowcall.json_by_output, rowcall.json_of_fields, rowcall.json_of_rows, rowcall.kernel_of, rowcall.form_of, rowcall.fields_of, rowcall.segment, rowcall.escaped_segment, rowcall.utf8 TO rowcall_publisher;
    END IF;
    IF to_regrole('rowcall_reader') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION rowcall.cursor, rowcall.preview, rowcall.iso, rowcall.json_with_iso, rowcall.json_at_utc, rowcall.json_at_other_zone, rowcall.with_iso,
            rowcall.json_settled,
            rowcall.json_by_output, rowcall.json_of_fields, rowcall.json_of_rows, rowcall.kernel_of, rowcall.form_of, rowcall.fields_of, rowcall.segment, rowcall.escaped_segment, rowcall.utf8 TO rowcall_reader;
    END IF;
    IF to_regrole('rowcall_server') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION rowcall.epoch, rowcall.new_epoch, rowcall.leave_epoch, rowcall.note_run,
            rowcall.gate_generation, rowcall.slot_rotations, rowcall.files_until, rowcall.flip_gate, rowcall.keep_alive,
            rowcall.empty_next_slot, rowcall.advance_slot, rowcall.log_state, rowcall.utf8, rowcall.reset,
            rowcall.cursor, rowcall.iso, rowcall.json_with_iso, rowcall.json_at_utc, rowcall.json_at_other_zone, rowcall.with_iso,
            rowcall.parts_of, rowcall.holds_instants, rowcall.holds_json, rowcall.json_settled,
            rowcall.json_by_output, rowcall.json_of_fields, rowcall.json_of_rows, rowcall.kernel_of, rowcall.form_of, rowcall.fields_of TO rowcall_server;
    END IF;
    IF to_regrole('rowcall_app') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION rowcall.iso, rowcall.json_with_iso, rowcall.json_at_utc, rowcall.json_at_other_zone, rowcall.with_iso,
            rowcall.same_json, rowcall.plain_json, rowcall.json_settled,
            rowcall.json_by_output, rowcall.json_of_fields, rowcall.json_of_rows, rowcall.kernel_of, rowcall.form_of, rowcall.fields_of TO rowcall_app;
    END IF;
END $$;
