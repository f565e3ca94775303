package io.tandem.worker.model;

import io.tandem.worker.engine.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * A trainable tensor.
 *
 * @param name unique in the model, for example {@code block1.0.conv1.weight}
 * @param shape its dims
 * @param decayed whether weight decay applies (not to batch norm and biases)
 * @param initial how it begins
 */
public record Parameter(String name, Shape shape, boolean decayed, Initial initial) {
  /** How a parameter begins. */
  public sealed interface Initial {
    /** Normal with mean 0. */
    record Normal(double standardDeviation) implements Initial {}

    /** Uniform in [-bound, bound). */
    record Uniform(double bound) implements Initial {}

    /** All the same. */
    record Constant(double value) implements Initial {}
  }

  /** The parameters of these layers, in the order of their use. */
  public static List<Parameter> of(List<Layer> layers) {
    List<Parameter> all = new ArrayList<>();
    layers.forEach(layer -> add(all, layer));
    return all;
  }

  private static void add(List<Parameter> all, Layer layer) {
    if (layer instanceof Layer.Convolution c) {
      int kh = c.window().kernelHeight();
      int kw = c.window().kernelWidth();
      // He initialisation by fan-out, as the reference implementation has it.
      double deviation = Math.sqrt(2.0 * c.groups() / ((double) kh * kw * c.out()));
      all.add(
          new Parameter(
              c.name() + ".weight",
              Shape.of(kh, kw, c.in() / c.groups(), c.out()),
              true,
              new Initial.Normal(deviation)));
    } else if (layer instanceof Layer.BatchNorm b) {
      Shape shape = Shape.of(b.channels());
      all.add(new Parameter(b.name() + ".gamma", shape, false, new Initial.Constant(1)));
      all.add(new Parameter(b.name() + ".beta", shape, false, new Initial.Constant(0)));
    } else if (layer instanceof Layer.Residual r) {
      r.before().forEach(l -> add(all, l));
      r.body().forEach(l -> add(all, l));
      r.shortcut().forEach(l -> add(all, l));
    } else if (layer instanceof Layer.Dense d) {
      double bound =
          d.activation().negativeSlope() == 1 ? 1 / Math.sqrt(d.out()) : Math.sqrt(6.0 / d.in());
      all.add(
          new Parameter(
              d.name() + ".weight", Shape.of(d.in(), d.out()), true, new Initial.Uniform(bound)));
      all.add(new Parameter(d.name() + ".bias", Shape.of(d.out()), false, new Initial.Constant(0)));
    }
  }
}
