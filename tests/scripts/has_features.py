"""Exit with 0 if the processor has all features of a list for LLVM, such as +avx2,+fma, else 1."""

import sys

import llvmlite.binding as llvm


def main() -> None:
    """Compare the argument with the processor."""
    present = llvm.get_host_cpu_features()
    wanted = [name.removeprefix("+") for name in sys.argv[1].split(",")]
    sys.exit(0 if all(present.get(name) for name in wanted) else 1)


if __name__ == "__main__":
    main()
