"""Which of the related layer languages a pair of files is written in, and what depends on it.

cc1: cuda-convnet 1.  chm: the 2012 AlexNet source.  cc2: cuda-convnet2.  convnet: our own files, a
superset of the three.
"""

from collections.abc import Callable
from dataclasses import dataclass

from convnet.language import Section, SpecFile

NAMES = ("cc1", "chm", "cc2", "convnet")
TITLES = {
    "cc1": "cuda-convnet 1",
    "chm": "2012 AlexNet source",
    "cc2": "cuda-convnet2",
    "convnet": "convnet",
}
_CC2_TYPES = {"dropout", "dropout2", "pass", "crop", "sfc", "sum", "cmpool", "cost.bce", "cost.dce"}
_CHM_TYPES = {"hs", "treefc", "concat", "href", "cost.crossent2", "cost.msm", "cost.gsum2"}
_CHM_TYPES |= {"cost.tica", "cost.rflickr"}
_CHM_KEYS = {"schedw", "schedb", "supereps", "wcnormmax", "wcnormmin", "wball", "quantf", "quantb"}
_CHM_KEYS |= {"domax", "mindiv", "initwfunc", "initbfunc", "initcfunc"}


@dataclass(frozen=True)
class Dialect:
    """A dialect, and why the files are taken for it.  The properties are where meanings differ.

    certain: False for files that could be of cuda-convnet 1 or the 2012 source; they mean the same
    in both, but the second knows more keys and numbers its devices.
    """

    name: str
    because: str
    certain: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The dialects whose keys are read."""
        return (self.name,) if self.certain else ("cc1", "chm")

    @property
    def title(self) -> str:
        """The name of the dialect's system."""
        return TITLES[self.name]

    @property
    def reads_gpu(self) -> bool:
        """Whether layers have a `gpu` key; in cuda-convnet 1 they have none."""
        return self.name != "cc1"

    @property
    def data_device(self) -> tuple[int, ...]:
        """How the original numbers the device of a data layer."""
        return (-1,) if self.name == "cc2" else ()

    @property
    def norms_with_min_div(self) -> tuple[str, ...]:
        """Normalizations that read `minDiv`; for the others it is 1 (docs/dialect.md, 3.6)."""
        if not self.certain:
            return ("cmrnorm",)
        known = {"cc1": (), "chm": ("cmrnorm",)}
        return known.get(self.name, ("cmrnorm", "rnorm", "cnorm"))

    @property
    def rates_are_schedules(self) -> bool:
        """Whether learning rates are stored and shown as schedules."""
        return self.name == "cc2"

    @property
    def ball_times_fan_in(self) -> bool:
        """Whether wball is multiplied by a filter's number of weights (docs/dialect.md, 6.5)."""
        return self.name == "chm"

    @property
    def ball_is_sphere(self) -> bool:
        """Whether wball is the norm itself for conv and fc, not a bound (docs/dialect.md, 6.5)."""
        return self.name == "cc2"

    @property
    def coeffs_file(self) -> str:
        """The file that has eltsum's `coeffs`: "layers", "params" or "either"."""
        return {"cc1": "layers", "chm": "layers", "cc2": "params"}.get(self.name, "either")

    @property
    def divides_by_nominal_minibatch(self) -> bool:
        """Whether a short last minibatch is divided by the nominal size (docs/dialect.md, 6.2)."""
        return self.name == "cc2"

    @property
    def updates_once_a_minibatch(self) -> bool:
        """Whether single layers over replicas update once a minibatch, without `updatePeriod`.

        cuda-convnet2 updates them in every pass (docs/dialect.md, 8.2).
        """
        return self.name != "cc2"

    @property
    def users_scale_shared_gradients(self) -> bool:
        """Whether each layer that shares weights applies its own rate (docs/dialect.md, 5.2)."""
        return self.name == "cc1"

    @property
    def super_eps_acts(self) -> bool:
        """Whether superEps changes the update; cuda-convnet2 ignores it (docs/dialect.md, 6.1)."""
        return self.name in ("chm", "convnet")

    @property
    def rscale_tests_on_center(self) -> bool:
        """Whether rscale crops the center in a test, and does not shrink (docs/dialect.md, 3.7)."""
        return self.name == "chm"

    @property
    def rscale_computes_side(self) -> bool:
        """Whether rscale's side follows from the smallest scale (docs/dialect.md, 3.7)."""
        return self.name == "cc1"

    @property
    def scalar_mean_is_switch(self) -> bool:
        """Whether --scalar-mean=1 is the mean of the mean image, not 1 (docs/dialect.md, 9.2)."""
        return self.name == "chm"

    @property
    def cifar_views(self) -> int:
        """Number of views in a multiview test on cropped CIFAR images (docs/dialect.md, 9.2)."""
        return 9 if self.name in ("chm", "cc2") else 10


def recognize(layers: SpecFile, params: SpecFile | None) -> Dialect:
    """Return the dialect of two files, from the first key or type that only one system has."""
    tuning_key = _conv_tuning_key(layers)
    if tuning_key == "sumwidth":
        return Dialect("cc2", "conv layers have sumWidth")
    if tuning_key == "partialsum":
        mark = _find_mark(layers, params, _chm_mark)
        if mark:
            return Dialect("chm", f"conv layers have partialSum, and {mark}")
        reason = "conv layers have partialSum, and nothing is of a later system"
        return Dialect("cc1", reason, certain=False)
    if tuning_key == "":
        return Dialect("convnet", "conv layers have neither partialSum nor sumWidth")
    if any(_type(s) == "data" and "imgsize" in s.entries for s in layers.sections):
        return Dialect("convnet", "a data layer has imgSize")
    for name, finder in (("cc2", _cc2_mark), ("chm", _chm_mark)):
        mark = _find_mark(layers, params, finder)
        if mark:
            return Dialect(name, mark)
    return Dialect("convnet", "nothing is specific to one of the original systems")


def _conv_tuning_key(layers: SpecFile) -> str | None:
    """The tuning key of the file's conv layers: "" without one, None without conv layers."""
    convs = [s.entries for s in layers.sections if _type(s) == "conv"]
    if not convs:
        return None
    for key in ("sumwidth", "partialsum"):
        if any(key in entries for entries in convs):
            return key
    return ""


def _type(section: Section) -> str:
    entry = section.entries.get("type")
    return entry.value.text if entry else ""


def _find_mark(
    layers: SpecFile, params: SpecFile | None, finder: Callable[[Section], str | None]
) -> str | None:
    """What `finder` finds first in the sections of the two files, with its location."""
    for file in (layers, params):
        for section in file.sections if file else ():
            mark = finder(section)
            if mark:
                return f"{mark} ({section.name}, line {section.span.line})"
    return None


def _chm_mark(section: Section) -> str | None:
    """What in a section shows that it is of the 2012 source, or None."""
    if _type(section) in _CHM_TYPES:
        return f"a layer is of type {_type(section)}"
    found = [entry.key for key, entry in section.entries.items() if key in _CHM_KEYS]
    if "gpu" in section.entries and not found:
        found = ["gpu"]
    return f"the key {found[0]} is present" if found else None


def _cc2_mark(section: Section) -> str | None:
    """What in a section shows that it is of cuda-convnet2, or None."""
    if _type(section) in _CC2_TYPES:
        return f"a layer is of type {_type(section)}"
    entries = section.entries
    if "updateperiod" in entries:
        return "the key updatePeriod is present"
    if "gpu" in entries and "," in entries["gpu"].value.text:
        return "a layer is on several devices"
    if any("[" in entries[key].value.text for key in ("epsw", "epsb") if key in entries):
        return "a rate is a schedule"
    return None
