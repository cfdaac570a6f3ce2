"""Micro-kernels of float32 and of bfloat16 as LLVM IR, alike but for the multiply-add."""

import ctypes

import llvmlite.binding as llvm

ROWS, VECTORS, LANES = 6, 4, 16  # of a block: 24 vectors of sums
WIDTH = VECTORS * LANES
KINDS = ("float32", "bf16")

# A block: for each step, VECTORS vectors of b and ROWS numbers of 32 bits of a, each in all lanes.
# A number is a float, or a pair of bfloat16.
_KERNEL = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
declare <16 x float> @llvm.x86.avx512bf16.dpbf16ps.512(<16 x float>, <16 x i32>, <16 x i32>)

define void @product(ptr %a, ptr %b, ptr %c, i64 %count) {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  {phis}
  {body}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %done
done:
  {stores}
  ret void
}}

define void @products(ptr %a, ptr %b, ptr %c, i64 %count, i64 %tall, i64 %columns) {{
entry:
  %a.size = mul i64 %count, {a_bytes}
  %b.size = mul i64 %count, {b_bytes}
  br label %across
across:
  %n = phi i64 [0, %entry], [%n.next, %across.end]
  %b.offset = mul i64 %n, %b.size
  %b.here = getelementptr i8, ptr %b, i64 %b.offset
  br label %down
down:
  %m = phi i64 [0, %across], [%m.next, %down]
  %a.offset = mul i64 %m, %a.size
  %a.here = getelementptr i8, ptr %a, i64 %a.offset
  %block = mul i64 %m, %columns
  %place = add i64 %block, %n
  %c.offset = mul i64 %place, {c_bytes}
  %c.here = getelementptr i8, ptr %c, i64 %c.offset
  call void @product(ptr %a.here, ptr %b.here, ptr %c.here, i64 %count)
  %m.next = add i64 %m, 1
  %m.more = icmp slt i64 %m.next, %tall
  br i1 %m.more, label %down, label %across.end
across.end:
  %n.next = add i64 %n, 1
  %n.more = icmp slt i64 %n.next, %columns
  br i1 %n.more, label %across, label %end
end:
  ret void
}}

define void @pack(ptr %from, ptr %to, i64 %vectors) {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  {packing}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %vectors
  br i1 %more, label %loop, label %done
done:
  ret void
}}
"""

# Two rows of floats, the vectors of both in turn, become a vector of pairs, or remain two vectors.
_PACK = {
    "bf16": """
  %place = mul i64 %i, 128
  %first = getelementptr i8, ptr %from, i64 %place
  %second = getelementptr i8, ptr %first, i64 64
  %x = load <16 x float>, ptr %first, align 64
  %y = load <16 x float>, ptr %second, align 64
  %x.half = fptrunc <16 x float> %x to <16 x bfloat>
  %y.half = fptrunc <16 x float> %y to <16 x bfloat>
  %x.bits = bitcast <16 x bfloat> %x.half to <16 x i16>
  %y.bits = bitcast <16 x bfloat> %y.half to <16 x i16>
  %low = zext <16 x i16> %x.bits to <16 x i32>
  %wide = zext <16 x i16> %y.bits to <16 x i32>
  %high = shl <16 x i32> %wide, splat (i32 16)
  %pairs = or <16 x i32> %low, %high
  %target = getelementptr <16 x i32>, ptr %to, i64 %i
  store <16 x i32> %pairs, ptr %target, align 64""",
    "float32": """
  %place = mul i64 %i, 128
  %first = getelementptr i8, ptr %from, i64 %place
  %second = getelementptr i8, ptr %first, i64 64
  %x = load <16 x float>, ptr %first, align 64
  %y = load <16 x float>, ptr %second, align 64
  %target = getelementptr i8, ptr %to, i64 %place
  %other = getelementptr i8, ptr %target, i64 64
  store <16 x float> %x, ptr %target, align 64
  store <16 x float> %y, ptr %other, align 64""",
}
_TERM = {
    "bf16": "call <16 x float> @llvm.x86.avx512bf16.dpbf16ps.512("
    "<16 x float> {sum}, <16 x i32> {a}, <16 x i32> {b})",
    "float32": "call <16 x float> @llvm.fma.v16f32("
    "<16 x float> {a}, <16 x float> {b}, <16 x float> {sum})",
}


def kernel_text(kind: str) -> str:
    """The LLVM IR of a kind, float32 or bf16."""
    scalar = "i32" if kind == "bf16" else "float"
    vector, body, phis, stores = f"<16 x {scalar}>", [], [], []
    for j in range(VECTORS):
        body += [f"%bi{j} = mul i64 %i, {VECTORS}", f"%bj{j} = add i64 %bi{j}, {j}",
                 f"%bp{j} = getelementptr {vector}, ptr %b, i64 %bj{j}",
                 f"%b{j} = load {vector}, ptr %bp{j}, align 64"]  # fmt: skip
    for k in range(ROWS):
        body += [f"%ai{k} = mul i64 %i, {ROWS}", f"%ak{k} = add i64 %ai{k}, {k}",
                 f"%ap{k} = getelementptr {scalar}, ptr %a, i64 %ak{k}",
                 f"%as{k} = load {scalar}, ptr %ap{k}, align 4",
                 f"%av{k} = insertelement {vector} poison, {scalar} %as{k}, i32 0",
                 f"%a{k} = shufflevector {vector} %av{k}, {vector} poison, "
                 "<16 x i32> zeroinitializer"]  # fmt: skip
        for j in range(VECTORS):
            term = _TERM[kind].format(sum=f"%s{k}.{j}", a=f"%a{k}", b=f"%b{j}")
            body.append(f"%t{k}.{j} = {term}")
            phis.append(f"%s{k}.{j} = phi <16 x float> "
                        f"[zeroinitializer, %entry], [%t{k}.{j}, %loop]")  # fmt: skip
            stores += [f"%cp{k}.{j} = getelementptr <16 x float>, ptr %c, i64 {k * VECTORS + j}",
                       f"store <16 x float> %t{k}.{j}, ptr %cp{k}.{j}, align 64"]  # fmt: skip
    return _KERNEL.format(
        phis="\n  ".join(phis),
        body="\n  ".join(body),
        stores="\n  ".join(stores),
        packing=_PACK[kind],
        a_bytes=4 * ROWS,
        b_bytes=4 * WIDTH,
        c_bytes=4 * ROWS * WIDTH,
    )


class Kernels:
    """The compiled functions of a kind."""

    def __init__(self, kind: str):
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        module = llvm.parse_assembly(kernel_text(kind))
        module.verify()
        machine = llvm.Target.from_default_triple().create_target_machine(
            llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), opt=3
        )
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        llvm.create_pass_builder(machine, options).getModulePassManager().run(
            module, llvm.create_pass_builder(machine, options)
        )
        self.assembly = machine.emit_assembly(module)
        self.engine = llvm.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()
        self.products = self._function("products", 3, 3)
        self.pack = self._function("pack", 2, 1)

    def _function(self, name, pointers, integers):
        types = [ctypes.c_void_p] * pointers + [ctypes.c_int64] * integers
        found = ctypes.CFUNCTYPE(None, *types)(self.engine.get_function_address(name))
        found.engine = self.engine  # which holds the machine code
        return found
