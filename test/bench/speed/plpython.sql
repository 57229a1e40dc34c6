-- The model in PL/Python: loaded once a session, a row at a time or with the rows aggregated into one matrix.
CREATE EXTENSION plpython3u;

CREATE FUNCTION py_score(viewer int, video int, channel int, length float8, age float8) RETURNS real
LANGUAGE plpython3u STABLE PARALLEL SAFE AS $$
model = SD.get("model")
if model is None:
    import sys
    sys.path.insert(0, "@folder@")
    import model as m
    model = SD["model"] = m.NumpyModel("@weights@")
return model.score_row(viewer, video, channel, length, age)
$$;

CREATE FUNCTION py_score_fused(viewer int, video int, channel int, length float8, age float8) RETURNS real
LANGUAGE plpython3u STABLE PARALLEL SAFE AS $$
model = SD.get("model")
if model is None:
    import sys
    sys.path.insert(0, "@folder@")
    import model as m
    model = SD["model"] = m.NumpyModel("@weights@")
return model.score_row_fused(viewer, video, channel, length, age)
$$;

CREATE FUNCTION py_matrix(viewer int[], video int[], channel int[], length float8[], age float8[]) RETURNS real[]
LANGUAGE plpython3u STABLE PARALLEL SAFE AS $$
model = SD.get("model")
if model is None:
    import sys
    sys.path.insert(0, "@folder@")
    import model as m
    model = SD["model"] = m.NumpyModel("@weights@")
a = model.np.array
return model.score(model.encode(a(viewer), a(video), a(channel), a(length), a(age))).tolist()
$$;
