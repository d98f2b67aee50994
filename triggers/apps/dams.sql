-- Dams and the assignment of hydrographs to them.

CREATE OR REPLACE FUNCTION rowcall.dam_told(dam public.dams)
RETURNS json LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
BEGIN
    -- extra_float_digits above: coordinates in full, whatever precision the session asks for.
    RETURN json_build_object(
        'id', dam.id, 'name', dam.name, 'latitude', dam.latitude, 'longitude', dam.longitude,
        'owner', dam.owner, 'river', dam.river, 'date_built', dam.date_built);
END $$;

CREATE OR REPLACE FUNCTION rowcall.on_dams()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names  text[] := '{id, name, latitude, longitude, owner, river, date_built}';
    type   text;
    id     text;  -- of the row as it is
    data   json;
    old_id text;  -- of a row that is gone, or has another id now
    gone   json;
BEGIN
    LOOP
        BEGIN
            type := CASE TG_OP WHEN 'INSERT' THEN 'dam.create' ELSE 'dam.update' END;
            IF TG_OP = 'DELETE' THEN
                old_id := OLD.id;
                gone := rowcall.dam_told(OLD);
                EXIT;
            ELSIF TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
                old_id := OLD.id;
                gone := rowcall.dam_told(OLD);
                type := 'dam.create';
            END IF;
            id := NEW.id;
            data := rowcall.dam_told(NEW);
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_id := CASE TG_OP WHEN 'DELETE' THEN rowcall.fields(OLD) ->> 'id' END;
            gone := rowcall.left_of(OLD, names);
            id := rowcall.fields(NEW) ->> 'id';
            data := rowcall.left_of(NEW, names);
            EXIT;
        END;
    END LOOP;
    IF old_id IS NOT NULL THEN
        PERFORM rowcall.file('dams/' || old_id, 'dam.delete', gone);
    END IF;
    IF id IS NOT NULL THEN
        PERFORM rowcall.file('dams/' || id, type, data);
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
    names  text[] := '{id, dam_id}';
    type   text;
    id     text;  -- of the row as it is
    dam    text;  -- to which it has been assigned just now
    data   json;
    old_id text;  -- of a row that is gone, or has another id now
    gone   json;
BEGIN
    LOOP
        BEGIN
            type := CASE TG_OP WHEN 'INSERT' THEN 'hydrograph.create' ELSE 'hydrograph.update' END;
            IF TG_OP = 'DELETE' THEN
                old_id := OLD.id;
                gone := json_build_object('id', OLD.id, 'dam_id', OLD.dam_id);
                EXIT;
            ELSIF TG_OP = 'INSERT' THEN
                dam := NEW.dam_id;
            ELSIF OLD.dam_id IS DISTINCT FROM NEW.dam_id THEN
                dam := NEW.dam_id;
            END IF;
            IF TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
                old_id := OLD.id;
                gone := json_build_object('id', OLD.id, 'dam_id', OLD.dam_id);
                type := 'hydrograph.create';
            END IF;
            id := NEW.id;
            data := json_build_object('id', NEW.id, 'dam_id', NEW.dam_id);
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_id := CASE TG_OP WHEN 'DELETE' THEN rowcall.fields(OLD) ->> 'id' END;
            gone := rowcall.left_of(OLD, names);
            dam := NULL;
            id := rowcall.fields(NEW) ->> 'id';
            data := rowcall.left_of(NEW, names);
            EXIT;
        END;
    END LOOP;
    IF old_id IS NOT NULL THEN
        PERFORM rowcall.file('hydrographs/' || old_id, 'hydrograph.delete', gone);
    END IF;
    IF dam IS NOT NULL THEN
        PERFORM rowcall.file('dams/' || dam, 'hydrograph.assigned', data);
    END IF;
    IF id IS NOT NULL THEN
        PERFORM rowcall.file('hydrographs/' || id, type, data);
    END IF;
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
DECLARE
    ids json[];  -- of the hydrographs, first those that points came to
BEGIN
    LOOP
        BEGIN
            ids := ARRAY(SELECT to_json(t.hydrograph_id) FROM touched t GROUP BY t.hydrograph_id ORDER BY t.hydrograph_id);
            IF TG_OP = 'UPDATE' THEN  -- points that went from one hydrograph to another
                ids := ids || ARRAY(
                    SELECT to_json(l.hydrograph_id)
                    FROM (SELECT b.hydrograph_id FROM before b EXCEPT SELECT t.hydrograph_id FROM touched t) l
                    ORDER BY l.hydrograph_id);
            END IF;
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            ids := ARRAY[NULL::json];  -- any of them
            EXIT;
        END;
    END LOOP;
    PERFORM rowcall.file(coalesce('hydrographs/' || (t.id #>> '{}'), 'hydrographs'), 'hydrograph.points',
        json_build_object('id', t.id))
    FROM unnest(ids) t (id);
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
