"""The options of the original programs, and what they are called here.

`docs/coming-from-cuda-convnet.md` explains each; a test compares its tables with this one.
"""

OLD_OPTIONS = {
    "--load-file": "--resume RUN of convnet train; --load RUN of the other commands",
    "-f": "--resume RUN of convnet train; --load RUN of the other commands",
    "--save-path": "--save RUN of convnet train",
    "--save-file": "--save RUN of convnet train",
    "--train-range": "--train-range",
    "--test-range": "--test-range",
    "--data-path": "--data",
    "--data-provider": "no option: the kind of data is recognized from the folder (--data)",
    "--layer-def": "--layers",
    "--layer-params": "--params",
    "--layer-path": "no option: give the full paths (--layers, --params)",
    "--mini": "--minibatch",
    "--epochs": "--epochs of convnet train",
    "--test-freq": "--test-every and --save-every of convnet train, which count minibatches",
    "--test-only": "the command convnet test",
    "--test-one": "no option: a test while training uses 10,000 images at most",
    "--gpu": "--gpu",
    "--num-gpus": "no option: the layer file determines the number",
    "--crop-border": "--crop-border",
    "--inner-size": "--inner-size",
    "--multiview-test": "--multiview of convnet test",
    "--logreg-name": "--logreg-name of convnet test",
    "--test-out": "--test-out of convnet test",
    "--check-grads": "the command convnet check-grads",
    "--conv-to-local": "--conv-to-local of convnet train",
    "--unshare-weights": "--unshare-weights of convnet train",
    "--conserve-mem": "no option: memory is planned before the first step",
    "--color-noise": "--color-noise of convnet train",
    "--pca-noise": "no option: it had no effect",
    "--scalar-mean": "--scalar-mean",
    "--wupdate-freq": "--wupdate-freq of convnet train",
    "--write-features": "--write-features of convnet test",
    "--feature-path": "--feature-path of convnet test",
    "--force-save": "no option: every run is saved when it ends",
    "--max-filesize": "no option: a run keeps the last two checkpoints and the best one",
    "--zip-save": "no option: checkpoints are plain safetensors files",
    "--show-cost": "the command convnet show-cost, and its --cost",
    "--cost-idx": "no option: convnet show-cost draws all values of the cost",
    "--smooth-test-errors": "no option: convnet show-cost draws each test as a dot",
    "--show-filters": "the command convnet show-filters, and its --layer",
    "--input-idx": "--input of convnet show-filters",
    "--no-rgb": "--no-rgb of convnet show-filters",
    "--channels": "--channels of convnet show-filters",
    "--norm-filters": "--norm-filters of convnet show-filters",
    "--yuv-to-rgb": "--yuv-to-rgb of convnet show-filters",
    "--local-plane": "--plane of convnet show-filters",
    "--show-preds": "the command convnet show-preds",
    "--only-errors": "--only-errors of convnet show-preds",
    "--save-preds": "--out FILE --count N of convnet show-preds",
    "--show-maps": "the command convnet show-maps, and its --layer",
    "--show-data-grad": "no option: it was an experiment",
    "--webcam": "no option: it was an experiment",
    "--top5": "the command convnet test, which prints both errors",
}


def explained(option: str) -> str:
    """Return a sentence on what an option of the originals is called here; "" for another one."""
    name = option.partition("=")[0]
    here = OLD_OPTIONS.get(name)
    if here is None:
        return ""
    page = "docs/coming-from-cuda-convnet.md has all of them"
    return f"{name} is an option of the original programs; here it is {here} ({page})"
