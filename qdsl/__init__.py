"""From text specs of accelerators and networks to optimal mappings, mixed bit-widths and a Pareto report."""
