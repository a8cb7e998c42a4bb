"""Energies, spaces and inputs from outside of the package."""

import pytest
import torch

from repulsion import BadInput, Context, Method, Repulsion, Strength, load_methods, register, sample
from repulsion.diffusion.mixture import GaussianMixture
from repulsion.forces.embeddings import NEEDS
from repulsion.forces.registry import REGISTRIES
from repulsion.sampling.methods import load_method
from repulsion.tensors.noise import particle_noise

SIGMAS = torch.tensor([4.0, 2.0, 1.0, 0.5, 0.0], dtype=torch.float64)
MIXTURE = GaussianMixture(torch.tensor([[1.0, 0.0], [-1.0, 0.5]]).double(), 0.2, torch.tensor([0.9, 0.1]).double())


@pytest.fixture(autouse=True)
def put_back():
    registries = [*REGISTRIES.values(), NEEDS]
    before = [dict(registry) for registry in registries]
    yield
    for registry, kept in zip(registries, before, strict=True):
        registry.clear()
        registry.update(kept)


def run(method: Method) -> torch.Tensor:
    noise = lambda purpose: particle_noise(0, "registry", list(range(6)), purpose, (2,)).double()  # noqa: E731
    return sample(MIXTURE.denoise, SIGMAS, method, noise, Context(0), "test")


def cell(energy: str = "rbf", space: str = "latent", input: str = "noisy") -> Method:
    return Method("euler", repel=(Repulsion(energy, space, input, Strength("relative", 0.5), "median"),))


def test_a_name_registered_from_outside_is_the_function_under_it():
    """The same formulas under other names give the same samples, bit for bit."""

    @register("energy", "my_rbf")
    def my_rbf(sqdist, h):
        return -2 / (len(sqdist) * h) * torch.exp(-sqdist / h)

    @register("space", "my_latent")
    def my_latent(context):
        return lambda x, sigma, level: x.flatten(1)

    @register("input", "my_denoised", through_denoiser=True)
    def my_denoised(x, x0, sigma):
        return x0

    assert torch.equal(run(cell(energy="my_rbf")), run(cell()))
    assert torch.equal(run(cell(space="my_latent")), run(cell()))
    assert torch.equal(run(cell(input="my_denoised")), run(cell(input="denoised")))
    assert cell(input="my_denoised").through_denoiser and not cell().through_denoiser
    assert not torch.equal(run(cell(input="my_denoised")), run(cell()))


def test_rows_may_use_a_registered_name(tmp_path):
    path = tmp_path / "rows.yaml"
    row = "{energy: rbf, space: halves, input: noisy, strength: {kind: alpha, value: 1}, bandwidth: median}"
    path.write_text(f"mine: {{predict: euler, repel: [{row}]}}\n", encoding="utf-8")
    with pytest.raises(BadInput, match="space: unknown space 'halves'; expected one of latent"):
        load_methods(path)
    register("space", "halves")(lambda context: lambda x, sigma, level: x[:, :1])
    assert load_methods(path)["mine"].spaces == ["halves"]


def test_a_space_says_what_it_needs():
    register("space", "logits", needs="classifier")(lambda context: lambda x, sigma, level: x.flatten(1))
    assert cell(space="logits").needs("classifier") and not cell(space="logits").needs("decode")
    assert cell(space="decoded_average").needs("decode") and not cell().needs("classifier")


def test_what_is_no_property_of_a_kind():
    with pytest.raises(BadInput, match="space 'mine': through_denoiser is of inputs"):
        register("space", "mine", through_denoiser=True)
    with pytest.raises(BadInput, match="unknown kind that needs a part of a Context: 'energy'; expected one of space"):
        register("energy", "mine", needs="classifier")
    with pytest.raises(BadInput, match="unknown part of a Context 'tokens'; expected one of classifier, decode"):
        register("space", "mine", needs="tokens")


@pytest.mark.parametrize(
    "kind,name,message",
    [
        ("energy", "rbf", "energy: 'rbf' is taken; expected another name than rbf, inverse_quadratic, dpp"),
        ("kernel", "mine", "unknown kind 'kernel'; expected one of energy, space, input"),
        ("space", "a/b", "space: expected letters, digits"),
    ],
)
def test_names_that_cannot_be_registered(kind, name, message):
    with pytest.raises(BadInput, match=message):
        register(kind, name)


def test_a_python_file_of_methods_registers_what_its_rows_use(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from repulsion import register\n"
        "@register('energy', 'of_a_file')\n"
        "def energy(sqdist, h):\n    return -1 / h + 0 * sqdist\n"
        "CELL = {'energy': 'of_a_file', 'space': 'latent', 'input': 'x0', 'bandwidth': 'median',\n"
        "        'strength': {'kind': 'relative', 'value': 0.2}}\n"
        "METHODS = {'mine': {'predict': 'euler', 'repel': [CELL]}}\n"
    )
    assert list(load_methods(file)) == ["plain", "mine"]
    assert load_method("mine", file).repel[0].energy == "of_a_file"  # once in a process, however often it is read


@pytest.mark.parametrize(
    "code,message",
    [
        ("x = 1", "expected METHODS, a mapping of method names to rows, got None"),
        ("METHODS = {}", "expected METHODS, a mapping of method names to rows, got {}"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError"),
        ("METHODS = {'a/b': {'predict': 'euler'}}", "a/b"),
    ],
)
def test_a_python_file_without_methods_is_one_line(tmp_path, code, message):
    file = tmp_path / "mine.py"
    file.write_text(code)
    with pytest.raises(BadInput, match=message) as raised:
        load_methods(file)
    assert "\n" not in str(raised.value)
    with pytest.raises(BadInput, match="no such file"):
        load_methods(tmp_path / "nowhere.py")
