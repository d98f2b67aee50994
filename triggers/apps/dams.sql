-- Dams and the assignment of hydrographs to them.

-- The coordinates are told in full, whatever precision the session asks for: hence the SET clause.
CREATE OR REPLACE FUNCTION rowcall.on_dams()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET extra_float_digits = 1 AS $$
DECLARE
    slot      pg_catalog.int2 := rowcall.writing_slot();
    names     pg_catalog.text[] := '{id, name, latitude, longitude, owner, river, date_built}';
    type      pg_catalog.text := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN 'dam.create' ELSE 'dam.update' END;
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
                old_topic := 'dams/' OPERATOR(pg_catalog.||) OLD.id;
                gone := pg_catalog.json_build_object(
                    'id', OLD.id, 'name', OLD.name, 'latitude', OLD.latitude, 'longitude', OLD.longitude,
                    'owner', OLD.owner, 'river', OLD.river, 'date_built', OLD.date_built);
                EXIT WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE';
                type := 'dam.create';
            END IF;
            topic := 'dams/' OPERATOR(pg_catalog.||) NEW.id;
            data := pg_catalog.json_build_object(
                'id', NEW.id, 'name', NEW.name, 'latitude', NEW.latitude, 'longitude', NEW.longitude,
                'owner', NEW.owner, 'river', NEW.river, 'date_built', NEW.date_built);
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_topic := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN 'dams/' OPERATOR(pg_catalog.||) (rowcall.fields(OLD) OPERATOR(pg_catalog.->>) 'id') END;
            gone := rowcall.left_of(OLD, names);
            topic := 'dams/' OPERATOR(pg_catalog.||) (rowcall.fields(NEW) OPERATOR(pg_catalog.->>) 'id');
            data := rowcall.left_of(NEW, names);
            EXIT;
        END;
    END LOOP;
    IF old_topic IS NOT NULL THEN
        INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog."left"(old_topic, 600), 'dam.delete', gone);
        IF rowcall.ringing() THEN
            IF rowcall.must_ring(old_topic) THEN
                PERFORM rowcall.ring(old_topic);
            END IF;
        END IF;
    END IF;
    IF topic IS NOT NULL THEN
        INSERT INTO rowcall.log (slot, topic, type, data) VALUES (slot, pg_catalog."left"(topic, 600), type, data);
        IF rowcall.ringing() THEN
            IF rowcall.must_ring(topic) THEN
                PERFORM rowcall.ring(topic);
            END IF;
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT OR DELETE OR UPDATE ON public.dams
    FOR EACH ROW EXECUTE FUNCTION rowcall.on_dams();
ALTER TABLE public.dams ENABLE ALWAYS TRIGGER "0_rowcall";

DROP FUNCTION IF EXISTS rowcall.dam_told(public.dams);  -- of an earlier build

-- Hydrographs: the dam learns when one is assigned to it; whoever lists hydrographs, of every change.
CREATE OR REPLACE FUNCTION rowcall.on_hydrographs()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    names  pg_catalog.text[] := '{id, dam_id}';
    type   pg_catalog.text := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN 'hydrograph.create' ELSE 'hydrograph.update' END;
    id     pg_catalog.text;  -- of the row as it is
    dam    pg_catalog.text;  -- to which it has been assigned just now
    data   pg_catalog.json;
    old_id pg_catalog.text;  -- of a row that is gone, or has another id now
    gone   pg_catalog.json;
BEGIN
    LOOP
        BEGIN
            IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' OR TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND OLD.id OPERATOR(pg_catalog.<>) NEW.id THEN
                old_id := OLD.id;
                gone := pg_catalog.json_build_object('id', OLD.id, 'dam_id', OLD.dam_id);
                EXIT WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE';
                type := 'hydrograph.create';
            END IF;
            IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
                dam := NEW.dam_id;
            ELSIF (OLD.dam_id OPERATOR(pg_catalog.=) NEW.dam_id) IS NOT TRUE THEN
                dam := NEW.dam_id;
            END IF;
            id := NEW.id;
            data := pg_catalog.json_build_object('id', NEW.id, 'dam_id', NEW.dam_id);
            EXIT;
        EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN
            CONTINUE WHEN rowcall.replan(SQLSTATE);
            old_id := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN rowcall.fields(OLD) OPERATOR(pg_catalog.->>) 'id' END;
            gone := rowcall.left_of(OLD, names);
            dam := NULL;
            id := rowcall.fields(NEW) OPERATOR(pg_catalog.->>) 'id';
            data := rowcall.left_of(NEW, names);
            EXIT;
        END;
    END LOOP;
    IF old_id IS NOT NULL THEN
        PERFORM rowcall.publish('hydrographs/' OPERATOR(pg_catalog.||) old_id, 'hydrograph.delete', gone);
    END IF;
    IF dam IS NOT NULL THEN
        PERFORM rowcall.publish('dams/' OPERATOR(pg_catalog.||) dam, 'hydrograph.assigned', data);
    END IF;
    IF id IS NOT NULL THEN
        PERFORM rowcall.publish('hydrographs/' OPERATOR(pg_catalog.||) id, type, data);
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
    PERFORM rowcall.publish(coalesce('hydrographs/' || (t.id #>> '{}'), 'hydrographs'), 'hydrograph.points',
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
