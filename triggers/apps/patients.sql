-- Patients: the whole row on every change, as the observers of its pages expect it.

CREATE OR REPLACE FUNCTION rowcall.on_patients()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    slot      pg_catalog.int2 := rowcall.writing_slot();
    names     pg_catalog.text[] := '{id, first_name, last_name, admission_date, dismissal_date, updated_at, created_at}';
    action    pg_catalog.text := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN 'create' ELSE 'update' END;
    topic     pg_catalog.text;  -- of the row as it is
    data      pg_catalog.text;
    old_topic pg_catalog.text;  -- of a row that is gone, or has another id now
    gone      pg_catalog.text;
BEGIN
    IF slot IS NULL THEN
        RETURN NULL;
    END IF;
    LOOP
        BEGIN
            IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' OR TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND OLD.id OPERATOR(pg_catalog.<>) NEW.id THEN
                old_topic := 'patients/' OPERATOR(pg_catalog.||) OLD.id;
                gone := pg_catalog.json_build_object(
                    'id', OLD.id, 'first_name', OLD.first_name, 'last_name', OLD.last_name,
                    'admission_date', rowcall.iso(OLD.admission_date), 'dismissal_date', rowcall.iso(OLD.dismissal_date),
                    'updated_at', rowcall.iso(OLD.updated_at), 'created_at', rowcall.iso(OLD.created_at),
                    'action', 'delete');
                EXIT WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE';
                action := 'create';
            END IF;
            topic := 'patients/' OPERATOR(pg_catalog.||) NEW.id;
            data := pg_catalog.json_build_object(
                'id', NEW.id, 'first_name', NEW.first_name, 'last_name', NEW.last_name,
                'admission_date', rowcall.iso(NEW.admission_date), 'dismissal_date', rowcall.iso(NEW.dismissal_date),
                'updated_at', rowcall.iso(NEW.updated_at), 'created_at', rowcall.iso(NEW.created_at),
                'action', action);
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_topic := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN 'patients/' OPERATOR(pg_catalog.||) (rowcall.fields(OLD) OPERATOR(pg_catalog.->>) 'id') END;
            gone := rowcall.left_of(OLD, names, '{"action":"delete"}');
            topic := 'patients/' OPERATOR(pg_catalog.||) (rowcall.fields(NEW) OPERATOR(pg_catalog.->>) 'id');
            data := rowcall.left_of(NEW, names, pg_catalog.json_build_object('action', action));
            EXIT;
        END;
    END LOOP;
    IF old_topic IS NOT NULL THEN
        INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog."left"(old_topic, 600), 'patient.change', gone);
        IF rowcall.ringing() THEN
            IF rowcall.must_ring(old_topic) THEN
                PERFORM rowcall.ring(old_topic);
            END IF;
        END IF;
    END IF;
    IF topic IS NOT NULL THEN
        INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog."left"(topic, 600), 'patient.change', data);
        IF rowcall.ringing() THEN
            IF rowcall.must_ring(topic) THEN
                PERFORM rowcall.ring(topic);
            END IF;
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.patients
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_patients();
ALTER TABLE public.patients ENABLE ALWAYS TRIGGER "0_rowcall";

DROP FUNCTION IF EXISTS rowcall.patient_told(public.patients, text);  -- of an earlier build

-- The two times that nobody needs to give. Rows that replication or a restore brings in keep theirs.
CREATE OR REPLACE FUNCTION rowcall.stamp_patient()
RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOOP
        BEGIN
            NEW.created_at := coalesce(NEW.created_at, now());
            NEW.updated_at := CASE TG_OP WHEN 'INSERT' THEN coalesce(NEW.updated_at, now()) ELSE now() END;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            EXIT;  -- the row is written as it came
        END;
    END LOOP;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall_stamp"
    BEFORE INSERT OR UPDATE ON public.patients
    FOR EACH ROW EXECUTE FUNCTION rowcall.stamp_patient();
