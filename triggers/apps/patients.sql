-- Patients: the whole row on every change, as the observers of its pages expect it.

CREATE OR REPLACE FUNCTION rowcall.patient_told(patient public.patients, action text)
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN json_build_object(
        'id', patient.id, 'first_name', patient.first_name, 'last_name', patient.last_name,
        'admission_date', rowcall.iso(patient.admission_date), 'dismissal_date', rowcall.iso(patient.dismissal_date),
        'updated_at', rowcall.iso(patient.updated_at), 'created_at', rowcall.iso(patient.created_at),
        'action', action);
END $$;

CREATE OR REPLACE FUNCTION rowcall.on_patients()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names  text[] := '{id, first_name, last_name, admission_date, dismissal_date, updated_at, created_at}';
    action text;
    id     text;  -- of the row as it is
    data   json;
    old_id text;  -- of a row that is gone, or has another id now
    gone   json;
BEGIN
    LOOP
        BEGIN
            action := CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'update' END;
            IF TG_OP = 'DELETE' THEN
                old_id := OLD.id;
                gone := rowcall.patient_told(OLD, 'delete');
                EXIT;
            ELSIF TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
                old_id := OLD.id;
                gone := rowcall.patient_told(OLD, 'delete');
                action := 'create';
            END IF;
            id := NEW.id;
            data := rowcall.patient_told(NEW, action);
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_id := CASE TG_OP WHEN 'DELETE' THEN rowcall.fields(OLD) ->> 'id' END;
            gone := rowcall.left_of(OLD, names, '{"action":"delete"}');
            id := rowcall.fields(NEW) ->> 'id';
            data := rowcall.left_of(NEW, names, json_build_object('action', action));
            EXIT;
        END;
    END LOOP;
    IF old_id IS NOT NULL THEN
        PERFORM rowcall.file('patients/' || old_id, 'patient.change', gone);
    END IF;
    IF id IS NOT NULL THEN
        PERFORM rowcall.file('patients/' || id, 'patient.change', data);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.patients
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_patients();
ALTER TABLE public.patients ENABLE ALWAYS TRIGGER "0_rowcall";

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
