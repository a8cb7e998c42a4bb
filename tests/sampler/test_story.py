from pipeline.stages.story import LEVELS, MODES, PARTICLES, ROWS, paths, ring


def test_the_story_shows_what_its_caption_says():
    mixture = ring(MODES)
    ends = {name: paths(method, mixture)[-1] for name, method in ROWS.items()}
    covered = {name: mixture.covered_modes(x, 3.0) for name, x in ends.items()}
    assert covered["repulsion 0.3 of the score"] == MODES > covered["plain"]
    assert covered["repulsion 1.5 of the score"] <= 1


def test_all_rows_start_from_the_same_particles():
    starts = [paths(method, ring(MODES)) for method in ROWS.values()]
    assert all(len(x) == LEVELS + 1 and x[0].shape == (PARTICLES, 2) for x in starts)
    assert all((x[0] == starts[0][0]).all() for x in starts)
