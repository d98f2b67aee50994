-- Dams of the Wasatch front and the Colorado, with a flood for one of them.

DO $$
DECLARE
    dam        bigint;
    hydrograph bigint;
BEGIN
    IF EXISTS (SELECT FROM public.dams) THEN
        RETURN;
    END IF;
    INSERT INTO public.dams (name, owner, river, date_built, latitude, longitude) VALUES
        ('Hoover Dam',        'US Bureau of Reclamation', 'Colorado River', '1936', 36.0160, -114.7377),
        ('Glen Canyon Dam',   'US Bureau of Reclamation', 'Colorado River', '1966', 36.9372, -111.4839),
        ('Flaming Gorge Dam', 'US Bureau of Reclamation', 'Green River',    '1964', 40.9146, -109.4219),
        ('Jordanelle Dam',    'US Bureau of Reclamation', 'Provo River',    '1993', 40.5974, -111.4235),
        ('Little Dell Dam',   'Salt Lake City',           'Dell Creek',     '1993', 40.7776, -111.6983);

    dam := (SELECT d.id FROM public.dams d WHERE d.name = 'Jordanelle Dam');
    INSERT INTO public.hydrographs (dam_id) VALUES (dam) RETURNING id INTO hydrograph;
    INSERT INTO public.hydrograph_points (hydrograph_id, time, flow)
    SELECT hydrograph, hour, round((150 + 2200 * exp(-((hour - 9) ^ 2) / 18.0))::numeric, 1)
    FROM generate_series(0, 24) hour;
END $$;
