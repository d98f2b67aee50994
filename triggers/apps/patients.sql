-- Patients: the whole row on every change, as the observers of its pages expect it.

CREATE OR REPLACE FUNCTION rowcall.patient_change(patient public.patients, action text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.file('patients/' || patient.id, 'patient.change', json_build_object(
        'id', patient.id, 'first_name', patient.first_name, 'last_name', patient.last_name,
        'admission_date', rowcall.iso(patient.admission_date), 'dismissal_date', rowcall.iso(patient.dismissal_date),
        'updated_at', rowcall.iso(patient.updated_at), 'created_at', rowcall.iso(patient.created_at),
        'action', action));
END $$;

CREATE OR REPLACE FUNCTION rowcall.on_patients()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    renamed boolean := TG_OP = 'UPDATE' AND OLD.id <> NEW.id;
BEGIN
    IF TG_OP = 'DELETE' OR renamed THEN
        PERFORM rowcall.patient_change(OLD, 'delete');
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM rowcall.patient_change(NEW, CASE WHEN TG_OP = 'INSERT' OR renamed THEN 'create' ELSE 'update' END);
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
    NEW.created_at := coalesce(NEW.created_at, now());
    NEW.updated_at := CASE TG_OP WHEN 'INSERT' THEN coalesce(NEW.updated_at, now()) ELSE now() END;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall_stamp"
    BEFORE INSERT OR UPDATE ON public.patients
    FOR EACH ROW EXECUTE FUNCTION rowcall.stamp_patient();
