-- Dams and the assignment of hydrographs to them.

CREATE OR REPLACE FUNCTION rowcall.dam_event(dam public.dams, type text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
BEGIN
    -- extra_float_digits above: coordinates in full, whatever precision the session asks for.
    PERFORM rowcall.file('dams/' || dam.id, type, json_build_object(
        'id', dam.id, 'name', dam.name, 'latitude', dam.latitude, 'longitude', dam.longitude,
        'owner', dam.owner, 'river', dam.river, 'date_built', dam.date_built));
END $$;

CREATE OR REPLACE FUNCTION rowcall.on_dams()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    renamed boolean := TG_OP = 'UPDATE' AND OLD.id <> NEW.id;
BEGIN
    IF TG_OP = 'DELETE' OR renamed THEN
        PERFORM rowcall.dam_event(OLD, 'dam.delete');
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM rowcall.dam_event(NEW, CASE WHEN TG_OP = 'INSERT' OR renamed THEN 'dam.create' ELSE 'dam.update' END);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.dams
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_dams();
ALTER TABLE public.dams ENABLE ALWAYS TRIGGER "0_rowcall";

-- Hydrographs: when one is assigned to a dam, or to another one.
CREATE OR REPLACE FUNCTION rowcall.on_hydrographs()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' OR OLD.dam_id IS DISTINCT FROM NEW.dam_id THEN
        PERFORM rowcall.file('dams/' || NEW.dam_id, 'hydrograph.assigned',
            json_build_object('id', NEW.id, 'dam_id', NEW.dam_id));  -- not filed where there is no dam
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR UPDATE ON public.hydrographs
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_hydrographs();
ALTER TABLE public.hydrographs ENABLE ALWAYS TRIGGER "0_rowcall";
