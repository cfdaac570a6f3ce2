"""Which of the related layer languages a pair of files is written in, and what that changes.

cc1: cuda-convnet 1.  chm: the 2012 AlexNet source.  cc2: cuda-convnet2.  convnet: our own files, a
superset of the three.
"""

from dataclasses import dataclass

from convnet.language import SpecFile

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
    """A dialect, and the mark it was recognised by.  The properties are where meanings differ.

    certain: False for files that bear no mark and may be of cuda-convnet 1 or the 2012 source; they
    mean the same in both, but the second knows more keys and numbers its devices.
    """

    name: str
    because: str
    certain: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The dialects whose keys apply."""
        return (self.name,) if self.certain else ("cc1", "chm")

    @property
    def title(self) -> str:
        return TITLES[self.name]

    @property
    def reads_gpu(self) -> bool:
        """cuda-convnet 1 has no `gpu` key."""
        return self.name != "cc1"

    @property
    def data_device(self) -> tuple[int, ...]:
        """How the original numbers the device of a data layer."""
        return (-1,) if self.name == "cc2" else ()

    @property
    def norms_with_min_div(self) -> tuple[str, ...]:
        """Normalizations that read `minDiv`; for the others it is 1 (dialect, 3.6)."""
        if not self.certain:
            return ("cmrnorm",)
        known = {"cc1": (), "chm": ("cmrnorm",)}
        return known.get(self.name, ("cmrnorm", "rnorm", "cnorm"))

    @property
    def rates_are_schedules(self) -> bool:
        return self.name == "cc2"

    @property
    def ball_times_fan_in(self) -> bool:
        """wball counts per weight of the filter (dialect, 6.5)."""
        return self.name == "chm"

    @property
    def ball_is_sphere(self) -> bool:
        """wball is the norm itself for conv and fc, not a bound (dialect, 6.5)."""
        return self.name == "cc2"

    @property
    def coeffs_file(self) -> str:
        """The file that eltsum's `coeffs` stands in: "layers", "params" or "either"."""
        return {"cc1": "layers", "chm": "layers", "cc2": "params"}.get(self.name, "either")

    @property
    def divides_by_nominal_minibatch(self) -> bool:
        """A short last minibatch is still divided by the nominal size (dialect, 6.2)."""
        return self.name == "cc2"

    @property
    def updates_once_a_minibatch(self) -> bool:
        """Without `updatePeriod` single layers over replicas wait for the whole minibatch.

        cuda-convnet2 updates them in every pass (dialect, 8.2).
        """
        return self.name != "cc2"

    @property
    def users_scale_shared_gradients(self) -> bool:
        """Each user of shared weights applies its own rate (dialect, 5.2)."""
        return self.name == "cc1"

    @property
    def super_eps_acts(self) -> bool:
        """superEps changes the update; cuda-convnet2 reads and ignores the key (dialect, 6.1)."""
        return self.name in ("chm", "convnet")

    @property
    def rscale_tests_on_centre(self) -> bool:
        """In a test rscale crops the centre instead of shrinking the image (dialect, 3.7)."""
        return self.name == "chm"

    @property
    def rscale_computes_side(self) -> bool:
        """rscale has no `tgtSize`: the side is that of the smallest scale (dialect, 3.7)."""
        return self.name == "cc1"

    @property
    def scalar_mean_is_switch(self) -> bool:
        """--scalar-mean=1 is the mean of the mean image, not the number 1 (dialect, 9.2)."""
        return self.name == "chm"

    @property
    def cifar_views(self) -> int:
        """Views of a multiview test on cropped CIFAR images (dialect, 9.2)."""
        return 9 if self.name in ("chm", "cc2") else 10


def recognise(layers: SpecFile, params: SpecFile | None) -> Dialect:
    """The dialect of a pair of files, by its marks; the first mark found is the reason."""
    conv_marks = _conv_marks(layers)
    if conv_marks is not None:
        if conv_marks == "sumwidth":
            return Dialect("cc2", "conv layers give sumWidth")
        if conv_marks == "partialsum":
            mark = _find_mark(layers, params, _chm_mark)
            if mark:
                return Dialect("chm", f"conv layers give partialSum, and {mark}")
            return Dialect(
                "cc1", "conv layers give partialSum, and nothing is of a later system", False
            )
        return Dialect("convnet", "conv layers give neither partialSum nor sumWidth")
    if any(_type(s) == "data" and "imgsize" in s.entries for s in layers.sections):
        return Dialect("convnet", "a data layer gives imgSize")
    for name, finder in (("cc2", _cc2_mark), ("chm", _chm_mark)):
        mark = _find_mark(layers, params, finder)
        if mark:
            return Dialect(name, mark)
    return Dialect("convnet", "no marks of the original systems were found")


def _conv_marks(layers):
    """The tuning key of the file's conv layers, "" without one, None without conv layers."""
    convs = [s.entries for s in layers.sections if _type(s) == "conv"]
    if not convs:
        return None
    for key in ("sumwidth", "partialsum"):
        if any(key in entries for entries in convs):
            return key
    return ""


def _type(section) -> str:
    entry = section.entries.get("type")
    return entry.value.text if entry else ""


def _find_mark(layers, params, finder):
    for file in (layers, params):
        for section in file.sections if file else ():
            mark = finder(section)
            if mark:
                return f"{mark} ({section.name}, line {section.span.line})"
    return None


def _chm_mark(section):
    if _type(section) in _CHM_TYPES:
        return f"a layer is of type {_type(section)}"
    found = [entry.key for key, entry in section.entries.items() if key in _CHM_KEYS]
    if "gpu" in section.entries and not found:
        found = ["gpu"]
    return f"the key {found[0]} is given" if found else None


def _cc2_mark(section):
    if _type(section) in _CC2_TYPES:
        return f"a layer is of type {_type(section)}"
    entries = section.entries
    if "updateperiod" in entries:
        return "the key updatePeriod is given"
    if "gpu" in entries and "," in entries["gpu"].value.text:
        return "a layer is on several devices"
    if any("[" in entries[key].value.text for key in ("epsw", "epsb") if key in entries):
        return "a rate is a schedule"
    return None
