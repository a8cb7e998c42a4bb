import pytest

from pipeline.profile.prompts import Prompt, read_prompts, select
from pipeline.profile.sections import PromptParams
from pipeline.stages.prompts import with_subject
from pipeline.world.captions import caption
from pipeline.world.painted.subjects import SUBJECTS, TEST_SUBJECTS
from pipeline.world.worlds import PAINTED
from repulsion.core.errors import BadInput
from repulsion.core.files import require_id

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

    prompts = read_prompts(Path(__file__).parents[2] / "prompts.csv")
    assert [p.prompt_id for p in prompts] == list(SUBJECTS)
    assert [p.prompt for p in prompts] == [caption(PAINTED, subject, None) for subject in SUBJECTS]
    assert {p.prompt_id for p in prompts if p.split == "test"} == set(TEST_SUBJECTS)
    assert [with_subject(PAINTED, p).subject for p in prompts] == list(SUBJECTS)


def test_prompts_are_data(tmp_path):
    import pandas as pd

    table = pd.DataFrame({"prompt_id": [f"p{k}" for k in range(len(HOSTILE))], "prompt": HOSTILE, "split": "test"})
    table.to_csv(tmp_path / "prompts.csv", index=False)
    prompts = read_prompts(tmp_path / "prompts.csv")
    assert [p.prompt for p in prompts] == HOSTILE
    assert (
        prompts[0].by("O'Keeffe") == 'a "quoted" vase, with a comma, by O\'Keeffe'
        and with_subject(PAINTED, prompts[0]).subject == ""
    )


@pytest.mark.parametrize("prompt_id", ["", "a b", "../x", "a/b", 'a"b', "a\nb", "<b>", "ä", "x" * 65])
def test_ids_are_letters_digits_and_dashes(prompt_id):
    with pytest.raises(BadInput, match="expected letters, digits, _ and -"):
        require_id(prompt_id, "prompt_id")


@pytest.mark.parametrize(
    "rows,message",
    [
        (["vase,a vase,test", "vase,another,test"], "'vase' is listed twice"),
        (["../vase,a vase,test"], "expected letters, digits"),
        (['vase,"a\nvase",test'], "printable text on one line, got 'a\\\\nvase'"),
        (["vase,,test"], "printable text on one line, got ''"),
        (["vase,a\x1bvase,test"], "printable text"),
        (["vase,a vase,train"], "split 'train'; expected test or development"),
        ([], "no prompts"),
        (["x,vase,red,test"], r"expected 3 fields in a row \(commas need quotes\), got \['x', 'vase', 'red', 'test'\]"),
        (['vase,"a vase,test'], "not a valid CSV: unexpected end of data"),
        (["vase,a vase,test", "Vase,another,test"], "'vase' and 'Vase' differ in upper and lower case only"),
        (["con,a vase,test"], "'con' is the name of a device on Windows"),
        (["LPT1,a vase,test"], "'LPT1' is the name of a device on Windows"),
        (["vase,a vase,test", "pot,a vase,test"], "vase and pot are the same prompt 'a vase'"),
        (["x,a vase,test,red"], r"expected 3 fields in a row"),
        (["x,a vase"], r"expected 3 fields in a row"),
        (["mean,a vase,test"], "prompt_id 'mean' is a column of the tables"),
    ],
)
def test_bad_files(tmp_path, rows, message):
    with pytest.raises(BadInput, match=message):
        read_prompts(write(tmp_path / "prompts.csv", *rows))


def test_no_file_and_other_columns(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        read_prompts(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="no column prompt_id; got id, prompt; expected prompt_id, prompt, split"):
        read_prompts(write(tmp_path / "prompts.csv", "a,b", columns="id,prompt"))


AS_WRITTEN = {
    "byte order mark": "\ufeffprompt_id,prompt,split\nvase,a vase,test\n",
    "line ends of Windows": "prompt_id,prompt,split\r\nvase,a vase,test\r\n",
    "empty rows at the end": "prompt_id,prompt,split\nvase,a vase,test\n,,\n,,\n\n",
    "empty columns at the end": "prompt_id,prompt,split,,\nvase,a vase,test,,\n,,,,\n",
    "no line end": "prompt_id,prompt,split\nvase,a vase,test",
    "quotes everywhere": '"prompt_id","prompt","split"\n"vase","a vase","test"\n',
}


@pytest.mark.parametrize("text", AS_WRITTEN.values(), ids=AS_WRITTEN)
def test_files_as_spreadsheets_write_them(tmp_path, text):
    path = tmp_path / "prompts.csv"
    path.write_bytes(text.encode())
    assert read_prompts(path) == [Prompt("vase", "a vase", "test")]


def test_other_encodings_and_columns_are_one_line(tmp_path):
    path = tmp_path / "prompts.csv"
    path.write_bytes("prompt_id,prompt,split\nx,Zoë,test\n".encode("latin-1"))
    with pytest.raises(BadInput, match="not in UTF-8: byte 0xeb"):
        read_prompts(path)
    with pytest.raises(BadInput, match="columns: 'prompt' is listed twice"):
        read_prompts(write(path, "vase,a vase,another,test", columns="prompt_id,prompt,prompt,split"))
    with pytest.raises(BadInput, match="method_prompt vase: expected printable text on one line"):
        read_prompts(write(path, 'vase,a vase,test,"a\x1bvase"', columns="prompt_id,prompt,split,method_prompt"))


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
