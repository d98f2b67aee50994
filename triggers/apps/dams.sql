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

-- Hydrographs: the dam learns when one is assigned to it; whoever lists hydrographs, of every change.
CREATE OR REPLACE FUNCTION rowcall.on_hydrographs()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    renamed boolean := TG_OP = 'UPDATE' AND OLD.id <> NEW.id;
BEGIN
    IF TG_OP = 'DELETE' OR renamed THEN
        PERFORM rowcall.file('hydrographs/' || OLD.id, 'hydrograph.delete',
            json_build_object('id', OLD.id, 'dam_id', OLD.dam_id));
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' OR OLD.dam_id IS DISTINCT FROM NEW.dam_id THEN
        PERFORM rowcall.file('dams/' || NEW.dam_id, 'hydrograph.assigned',
            json_build_object('id', NEW.id, 'dam_id', NEW.dam_id));  -- not filed where there is no dam
    END IF;
    PERFORM rowcall.file('hydrographs/' || NEW.id,
        CASE WHEN TG_OP = 'INSERT' OR renamed THEN 'hydrograph.create' ELSE 'hydrograph.update' END,
        json_build_object('id', NEW.id, 'dam_id', NEW.dam_id));
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.hydrographs
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_hydrographs();
ALTER TABLE public.hydrographs ENABLE ALWAYS TRIGGER "0_rowcall";

-- Points come by the hundred, so there is one event for each hydrograph that a statement has touched. One
-- without a hydrograph is told where all hydrographs are. Replication applies rows and no statements:
-- on a subscriber of a publication there are no such events.
CREATE OR REPLACE FUNCTION rowcall.on_hydrograph_points()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rowcall.file(coalesce('hydrographs/' || p.hydrograph_id, 'hydrographs'), 'hydrograph.points',
        json_build_object('id', p.hydrograph_id))
    FROM (SELECT DISTINCT t.hydrograph_id FROM touched t ORDER BY 1) p;
    IF TG_OP = 'UPDATE' THEN  -- points that went from one hydrograph to another
        PERFORM rowcall.file(coalesce('hydrographs/' || p.hydrograph_id, 'hydrographs'), 'hydrograph.points',
            json_build_object('id', p.hydrograph_id))
        FROM (SELECT b.hydrograph_id FROM before b EXCEPT SELECT t.hydrograph_id FROM touched t ORDER BY 1) p;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall_insert"
    AFTER INSERT ON public.hydrograph_points REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_hydrograph_points();
ALTER TABLE public.hydrograph_points ENABLE ALWAYS TRIGGER "0_rowcall_insert";

CREATE OR REPLACE TRIGGER "0_rowcall_update"
    AFTER UPDATE ON public.hydrograph_points REFERENCING OLD TABLE AS before NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_hydrograph_points();
ALTER TABLE public.hydrograph_points ENABLE ALWAYS TRIGGER "0_rowcall_update";

CREATE OR REPLACE TRIGGER "0_rowcall_delete"
    AFTER DELETE ON public.hydrograph_points REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION rowcall.on_hydrograph_points();
ALTER TABLE public.hydrograph_points ENABLE ALWAYS TRIGGER "0_rowcall_delete";
