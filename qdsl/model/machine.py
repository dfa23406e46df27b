"""A declared accelerator, which a mapping or study binds to values of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qdsl.diagnostics import Sink
from qdsl.model.accelerator import Accelerator
from qdsl.model.check_accelerator import bind_accelerator
from qdsl.model.check_levels import Technologies
from qdsl.model.expressions import Value, as_quantity, evaluate
from qdsl.model.findings import collecting
from qdsl.model.units import Dimension, Quantity
from qdsl.syntax.tree import AcceleratorDecl, Argument, MachineRef, ParamDecl


@dataclass(frozen=True)
class Machine:
    """default: with its parameters at their defaults, None if that is wrong."""

    decl: AcceleratorDecl
    technologies: Technologies
    default: Accelerator | None

    @property
    def parameters(self) -> dict[str, ParamDecl]:
        return {i.name.name: i for i in self.decl.items if isinstance(i, ParamDecl)}

    def dimension(self, parameter: str) -> Dimension:
        """Of a parameter's values. A default may be a formula of parameters before it."""
        names: dict[str, Value] = {}
        for p in self.parameters.values():
            names[p.name.name] = as_quantity(evaluate(p.value, names), p.value.span)
        return as_quantity(names[parameter], self.parameters[parameter].span).dimension

    def bind(self, reference: MachineRef, sink: Sink) -> Accelerator | None:
        if self.default is None:
            for argument in reference.arguments:  # what is wrong with them is wrong with any machine
                with collecting(sink):
                    evaluate(argument.value, {})
        if self.default is None or not reference.arguments:
            return self.default
        return bind_accelerator(self.decl, self.technologies, sink, reference.arguments)

    def at(self, arguments: tuple[Argument, ...], values: Mapping[str, Quantity], sink: Sink) -> Accelerator | None:
        """With parameters at the arguments, and at values that were checked before."""
        return bind_accelerator(self.decl, self.technologies, sink, arguments, values)
