import pytest

from pipeline.params import BadInput
from pipeline.profile import require_id
from pipeline.prompts import Prompt, read_prompts, select
from pipeline.sections import PromptParams
from pipeline.world.captions import caption
from pipeline.world.subjects import SUBJECTS, TEST_SUBJECTS

HOSTILE = [
    'a "quoted" vase, with a comma',
    "<script>alert('vase')</script> & more",
    "../../etc/passwd",
    "a vase; rm -rf $HOME `ls` \\",
    "eine Vase für Zoë 花瓶",
]


def write(path, *rows: str, columns: str = "prompt_id,prompt,split"):
    path.write_text("\n".join([columns, *rows]) + "\n")
    return path


def test_the_world_s_prompts_are_its_captions():
    from pathlib import Path

    prompts = read_prompts(Path(__file__).parents[1] / "prompts.csv")
    assert [p.prompt_id for p in prompts] == list(SUBJECTS)
    assert [p.prompt for p in prompts] == [caption(subject, None) for subject in SUBJECTS]
    assert {p.prompt_id for p in prompts if p.split == "test"} == set(TEST_SUBJECTS)
    assert [p.subject for p in prompts] == list(SUBJECTS)


def test_prompts_are_data(tmp_path):
    import pandas as pd

    table = pd.DataFrame({"prompt_id": [f"p{k}" for k in range(len(HOSTILE))], "prompt": HOSTILE, "split": "test"})
    table.to_csv(tmp_path / "prompts.csv", index=False)
    prompts = read_prompts(tmp_path / "prompts.csv")
    assert [p.prompt for p in prompts] == HOSTILE
    assert prompts[0].by("O'Keeffe") == 'a "quoted" vase, with a comma, by O\'Keeffe' and prompts[0].subject == ""


@pytest.mark.parametrize("prompt_id", ["", "a b", "../x", "a/b", 'a"b', "a\nb", "<b>", "ä", "x" * 65])
def test_ids_are_letters_digits_and_dashes(prompt_id):
    with pytest.raises(BadInput, match="expected letters, digits, - and _"):
        require_id(prompt_id, "prompt_id")


@pytest.mark.parametrize(
    "rows,message",
    [
        (["vase,a vase,test", "vase,another,test"], "'vase' stands there 2 times"),
        (["../vase,a vase,test"], "expected letters, digits"),
        (['vase,"a\nvase",test'], "printable text on one line, got 'a\\\\nvase'"),
        (["vase,,test"], "printable text on one line, got ''"),
        (["vase,a\x1bvase,test"], "printable text"),
        (["vase,a vase,train"], "split 'train'; expected test or development"),
        ([], "no prompts"),
        (["x,vase,red,test"], r"expected 3 fields in a row \(commas need quotes\), got \['x', 'vase', 'red', 'test'\]"),
        (['vase,"a vase,test'], "no CSV in UTF-8"),
        (["mean,a vase,test"], "prompt_id 'mean' is a column of the tables"),
    ],
)
def test_bad_files(tmp_path, rows, message):
    with pytest.raises(BadInput, match=message):
        read_prompts(write(tmp_path / "prompts.csv", *rows))


def test_no_file_and_other_columns(tmp_path):
    with pytest.raises(BadInput, match="no prompts file at"):
        read_prompts(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="no column prompt_id; got id, prompt; expected prompt_id, prompt, split"):
        read_prompts(write(tmp_path / "prompts.csv", "a,b", columns="id,prompt"))


def test_selection_keeps_the_order_and_the_split():
    prompts = [Prompt("a", "a", "test"), Prompt("b", "b", "development"), Prompt("c", "c", "test")]

    def chosen(split, only=None):
        return [p.prompt_id for p in select(prompts, PromptParams("x.csv", split, only, None, False))]

    assert chosen("test") == ["a", "c"] and chosen("development") == ["b"] and chosen("all") == ["a", "b", "c"]
    assert chosen("test", ("c", "a")) == ["a", "c"]
    with pytest.raises(BadInput, match="unknown 'd'; expected some of a, b, c"):
        chosen("test", ("d",))
    with pytest.raises(BadInput, match="none of split 'test' among b"):
        chosen("test", ("b",))
