"""What `make kernels` looks for in kernels: float64 where float32 was meant."""

from tests.support.kernel_arithmetic import ALLOWED, unexpected_doubles
from tests.support.paths import ROOT

CUDA = ROOT / "convnet" / "backends" / "cuda"
PTX = """
    ld.global.f64 %fd1, [%rd1];
    cvt.rn.f32.f64 %f1, %fd1;
    fma.rn.f32 %f2, %f1, %f1, %f1;
"""


def test_arithmetic_in_float64_is_found():
    assert not unexpected_doubles("ops.pool", PTX)  # rates are float64, and converted
    assert unexpected_doubles("ops.pool", PTX + "mul.f64 %fd2, %fd1, %fd1;") == {"mul.f64"}
    assert unexpected_doubles("ops.pool", PTX + "fma.rn.f64 %fd2, %fd1, %fd1, %fd1;") == {
        "fma.rn.f64"
    }
    assert not unexpected_doubles("ops.softmax", PTX + "mul.f64 %fd2, %fd1, %fd1;")


def test_what_is_allowed_names_modules():
    assert all((CUDA / f"{module.replace('.', '/')}.py").exists() for module in ALLOWED)
