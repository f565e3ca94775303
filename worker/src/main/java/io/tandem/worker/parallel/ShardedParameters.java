package io.tandem.worker.parallel;

import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Memory.Access;
import io.tandem.worker.engine.MemoryKind;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.model.ModelDefinition;
import io.tandem.worker.model.Parameter;
import io.tandem.worker.random.CounterRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A model's parameters cut into S parts: of a tensor with n elements, shard s holds elements {@code
 * [s * ceil(n/S), (s+1) * ceil(n/S))}, padded with zeros to equal lengths. All parts of a shard lie
 * in one flat vector, those with weight decay first; so do the gradients. A block's weights are
 * gathered for use and let go afterwards; alone, they are views of the flat vector and nothing is
 * copied.
 */
public final class ShardedParameters implements AutoCloseable {
  private final ShardContext context;
  private final List<Parameter> parameters;
  private final int[] offsets;
  private final int[] parts;
  private final int decayedLength;
  private final int length;
  private final Tensor weights;
  private final Tensor gradients;

  /** Initial values by seed and model, the same on every mesh. */
  public ShardedParameters(
      ShardContext context, ModelDefinition definition, long seed, int modelId) {
    this.context = context;
    this.parameters = definition.parameters();
    int count = parameters.size();
    int shards = context.shards().size();
    offsets = new int[count];
    parts = new int[count];
    int at = 0;
    int decayedAt = 0;
    for (boolean decayed : new boolean[] {true, false}) {
      for (int i = 0; i < count; i++) {
        if (parameters.get(i).decayed() == decayed) {
          parts[i] = Math.toIntExact((parameters.get(i).shape().elements() + shards - 1) / shards);
          offsets[i] = at;
          at += parts[i];
        }
      }
      if (decayed) {
        decayedAt = at;
      }
    }
    decayedLength = decayedAt;
    length = at;
    weights = context.engine().allocate(Shape.of(length), MemoryKind.WEIGHTS);
    gradients = context.engine().allocate(Shape.of(length), MemoryKind.OPTIMIZER);
    for (int i = 0; i < count; i++) {
      initialize(i, seed, modelId);
    }
  }

  private void initialize(int i, long seed, int modelId) {
    Parameter parameter = parameters.get(i);
    CounterRandom random = CounterRandom.of(CounterRandom.Purpose.WEIGHTS, seed, modelId, i);
    int n = Math.toIntExact(parameter.shape().elements());
    int from = context.shard() * parts[i];
    double[] slice = new double[parts[i]];
    for (int e = 0; e < n; e++) {
      double value = draw(parameter.initial(), random);
      if (e >= from && e < from + parts[i]) {
        slice[e - from] = value;
      }
    }
    Engine engine = context.engine();
    try (var scope = engine.openScope()) {
      engine.copy(engine.upload(Shape.of(parts[i]), slice), slice(weights, i));
    }
  }

  private static double draw(Parameter.Initial initial, CounterRandom random) {
    if (initial instanceof Parameter.Initial.Normal normal) {
      return normal.standardDeviation() * random.nextGaussian();
    } else if (initial instanceof Parameter.Initial.Uniform uniform) {
      return uniform.bound() * (2 * random.nextDouble() - 1);
    }
    return ((Parameter.Initial.Constant) initial).value();
  }

  /** This shard's parts, flat. */
  public Tensor weights() {
    return weights;
  }

  /** Their gradients, flat. */
  public Tensor gradients() {
    return gradients;
  }

  /** Length of the flat vectors. */
  public int length() {
    return length;
  }

  /** Length of their beginning that has weight decay. */
  public int decayedLength() {
    return decayedLength;
  }

  /** The parameters in the order of their use. */
  public List<Parameter> parameters() {
    return parameters;
  }

  /** The part of parameter i in a flat vector of this layout: a view. */
  public Tensor slice(Tensor flat, int i) {
    return context.engine().view(flat, offsets[i], Shape.of(parts[i]));
  }

  /** Where the part of parameter i begins in a flat vector of this layout. */
  public int offset(int i) {
    return offsets[i];
  }

  /** The whole of parameter i of a flat vector, gathered: owned by the innermost scope. */
  public Tensor whole(Tensor flat, int i) {
    Engine engine = context.engine();
    Tensor out = engine.uninitialized(parameters.get(i).shape());
    if (context.alone()) {
      engine.copy(engine.view(flat, offsets[i], out.shape()), out);
    } else {
      gather(flat, List.of(i), List.of(out));
    }
    return out;
  }

  /** Gathers the weights of parameters {@code from..to} (a block). */
  Gathered gather(int from, int to) {
    Engine engine = context.engine();
    List<Integer> which = new ArrayList<>();
    List<Tensor> values = new ArrayList<>();
    for (int i = from; i < to; i++) {
      which.add(i);
      Shape shape = parameters.get(i).shape();
      values.add(
          context.alone()
              ? engine.view(weights, offsets[i], shape)
              : engine.allocate(shape, MemoryKind.GATHERED));
    }
    if (!context.alone() && !which.isEmpty()) {
      gather(weights, which, values);
    }
    return new Gathered(from, values);
  }

  private void gather(Tensor flat, List<Integer> which, List<Tensor> values) {
    var before = context.phases().enter(PhaseClock.Phase.GATHER);
    Engine engine = context.engine();
    int shards = context.shards().size();
    int bytes = engine.dtype().bytes();
    int total = which.stream().mapToInt(i -> parts[i]).sum();
    try (var scope = engine.openScope()) {
      Tensor mine = engine.uninitialized(Shape.of(total));
      Tensor all = engine.uninitialized(Shape.of(total * shards));
      try (var to = engine.host(mine, Access.WRITE);
          var from = engine.host(flat, Access.READ)) {
        int at = 0;
        for (int i : which) {
          to.bytes().put(at, from.bytes(), offsets[i] * bytes, parts[i] * bytes);
          at += parts[i] * bytes;
        }
      }
      try (var in = engine.host(mine, Access.READ);
          var out = engine.host(all, Access.READ_WRITE)) {
        context.shards().allGather(in.bytes(), out.bytes());
        int at = 0;
        for (int n = 0; n < which.size(); n++) {
          int part = parts[which.get(n)];
          try (var value = engine.host(values.get(n), Access.WRITE)) {
            unpack(out.bytes(), at, total, part, bytes, value.bytes());
          }
          at += part;
        }
      }
    }
    context.phases().enter(before);
  }

  private static void unpack(
      ByteBuffer all, int at, int total, int part, int bytes, ByteBuffer value) {
    int n = value.remaining() / bytes;
    for (int s = 0; s * part < n; s++) {
      int count = Math.min(part, n - s * part);
      value.put(s * part * bytes, all, (s * total + at) * bytes, count * bytes);
    }
  }

  @Override
  public void close() {
    weights.close();
    gradients.close();
  }

  /** A block's whole weights, and the gradients that its operations give. */
  final class Gathered implements AutoCloseable {
    private final int from;
    private final List<Tensor> values;
    private final Tensor[] sums;

    private Gathered(int from, List<Tensor> values) {
      this.from = from;
      this.values = values;
      this.sums = new Tensor[values.size()];
    }

    /** The weight with that position in the block. */
    Weight weight(int position) {
      return new Weight() {
        @Override
        public Tensor value() {
          return values.get(position);
        }

        @Override
        public void gradient(Tensor gradient, boolean replicated) {
          Engine engine = context.engine();
          if (replicated && context.shard() != 0) {
            // Everybody has the same gradient: shard 0's is the one that counts in the sum.
            engine.scale(gradient, 0);
          }
          if (sums[position] == null) {
            sums[position] = gradient;
          } else {
            engine.addScaled(sums[position], 1, gradient);
            gradient.close();
          }
        }
      };
    }

    /** Adds the block's gradients, summed over the shards, to this shard's flat gradients. */
    void reduceGradients() {
      Engine engine = context.engine();
      if (context.alone()) {
        for (int p = 0; p < sums.length; p++) {
          if (sums[p] != null) {
            engine.addScaled(
                engine.view(gradients, offsets[from + p], sums[p].shape()), 1, sums[p]);
            sums[p].close();
            sums[p] = null;
          }
        }
        return;
      }
      var before = context.phases().enter(PhaseClock.Phase.REDUCE);
      int shards = context.shards().size();
      int bytes = engine.dtype().bytes();
      int total = 0;
      for (int p = 0; p < sums.length; p++) {
        total += parts[from + p];
      }
      try (var scope = engine.openScope()) {
        Tensor all = engine.zeros(Shape.of(total * shards));
        Tensor mine = engine.uninitialized(Shape.of(total));
        try (var in = engine.host(all, Access.READ_WRITE);
            var out = engine.host(mine, Access.WRITE)) {
          int at = 0;
          for (int p = 0; p < sums.length; p++) {
            int part = parts[from + p];
            if (sums[p] != null) {
              try (var gradient = engine.host(sums[p], Access.READ)) {
                pack(gradient.bytes(), in.bytes(), at, total, part, bytes);
              }
              sums[p].close();
              sums[p] = null;
            }
            at += part;
          }
          context.shards().reduceScatter(in.bytes(), out.bytes(), context.element());
        }
        int at = 0;
        for (int p = 0; p < sums.length; p++) {
          int part = parts[from + p];
          engine.addScaled(slice(gradients, from + p), 1, engine.view(mine, at, Shape.of(part)));
          at += part;
        }
      }
      context.phases().enter(before);
    }

    private static void pack(
        ByteBuffer gradient, ByteBuffer all, int at, int total, int part, int bytes) {
      int n = gradient.remaining() / bytes;
      for (int s = 0; s * part < n; s++) {
        int count = Math.min(part, n - s * part);
        all.put((s * total + at) * bytes, gradient, s * part * bytes, count * bytes);
      }
    }

    @Override
    public void close() {
      values.forEach(Tensor::close);
    }
  }
}
