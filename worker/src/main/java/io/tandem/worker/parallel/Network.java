package io.tandem.worker.parallel;

import io.tandem.worker.autograd.Placement.SplitBatch;
import io.tandem.worker.autograd.Placement.SplitWidth;
import io.tandem.worker.autograd.Split;
import io.tandem.worker.autograd.Tape;
import io.tandem.worker.autograd.Var;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Memory.Access;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.model.Layer;
import io.tandem.worker.model.ModelDefinition;
import io.tandem.worker.model.Parameter;
import io.tandem.worker.random.CounterRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs a model definition on one shard. Images come as whole images of this shard's part of the
 * batch, logits leave replicated: what lies between is the operations' rules. N rows, K classes.
 */
public final class Network implements AutoCloseable {
  private final ShardContext context;
  private final ModelDefinition definition;
  private final ShardedParameters parameters;
  private final Map<String, RunningStatistics> statistics = new LinkedHashMap<>();
  private final double batchNormMomentum;
  private final int minimumStrip;
  private final int modelId;

  /**
   * @param modelId tells teacher (0) and student (1) apart in random keys
   */
  public Network(
      ShardContext context,
      ModelDefinition definition,
      double batchNormMomentum,
      int minimumStrip,
      long seed,
      int modelId) {
    this.context = context;
    this.definition = definition;
    this.batchNormMomentum = batchNormMomentum;
    this.minimumStrip = Math.max(1, minimumStrip);
    this.modelId = modelId;
    this.parameters = new ShardedParameters(context, definition, seed, modelId);
    definition.blocks().forEach(block -> block.forEach(this::collectStatistics));
  }

  private void collectStatistics(Layer layer) {
    if (layer instanceof Layer.BatchNorm norm) {
      statistics.put(norm.name(), new RunningStatistics(norm.channels()));
    } else if (layer instanceof Layer.Residual r) {
      r.before().forEach(this::collectStatistics);
      r.body().forEach(this::collectStatistics);
      r.shortcut().forEach(this::collectStatistics);
    }
  }

  /** This shard's parameters. */
  public ShardedParameters parameters() {
    return parameters;
  }

  /** Running statistics by the name of their batch norm, in the order of use. */
  public Map<String, RunningStatistics> statistics() {
    return statistics;
  }

  /** Logits of a forward pass, and its backward. */
  public final class Pass {
    private final Tape tape;
    private final Var output;
    private final int batch;
    private final double[] logits;

    private Pass(Tape tape, Var output, int batch, double[] logits) {
      this.tape = tape;
      this.output = output;
      this.batch = batch;
      this.logits = logits;
    }

    /** N x K, row-major, the same on every shard. */
    public double[] logits() {
      return logits;
    }

    /** Rows of the whole group's batch. */
    public int rows() {
      return batch;
    }

    /**
     * Adds the gradients of a loss to the parameters' gradients, summed over the group's shards but
     * not over replicas. Once.
     *
     * @param dLogits dL/dlogits, N x K, the same on every shard
     */
    public void backward(double[] dLogits) {
      var before = context.phases().enter(PhaseClock.Phase.BACKWARD);
      int k = definition.classes();
      int from = 0;
      int rows = batch;
      if (output.placement() instanceof SplitBatch split) {
        from = split.rows().start(context.shard());
        rows = split.rows().length(context.shard());
      }
      double[] own = new double[rows * k];
      System.arraycopy(dLogits, from * k, own, 0, rows * k);
      Engine engine = context.engine();
      output.accumulate(
          engine, rows == 0 ? engine.zeros(Shape.of(0, k)) : engine.upload(Shape.of(rows, k), own));
      tape.backward();
      context.phases().enter(before);
    }
  }

  /**
   * A forward pass.
   *
   * @param images n H W C: whole images of this shard's part (see {@link Split}) of the group's
   *     batch; stays the caller's
   * @param batch rows of the whole group's batch
   * @param withGradient whether {@link Pass#backward} will be called
   */
  public Pass forward(Tensor images, Split batch, ForwardMode mode, boolean withGradient) {
    var before = context.phases().enter(PhaseClock.Phase.FORWARD);
    Tape tape = withGradient ? new Tape() : null;
    Var x = input(images, batch);
    int first = 0;
    for (List<Layer> block : definition.blocks()) {
      int count = Parameter.of(block).size();
      BlockWeights weights = new BlockWeights(first, first + count);
      weights.gather();
      if (tape != null) {
        tape.record(weights::reduce);
      }
      x = sequence(block, x, weights, mode, tape);
      weights.close();
      if (tape != null) {
        tape.record(weights::gather);
      }
      first += count;
    }
    double[] logits = replicate(x);
    x.release();
    context.phases().enter(before);
    return new Pass(tape, x, batch.total(), logits);
  }

  private Var input(Tensor images, Split batch) {
    Var x = Var.constant(images, new SplitBatch(batch)).save();
    Layer first = definition.blocks().get(0).get(0);
    if (context.alone()
        || !(first instanceof Layer.Convolution stem)
        || tooNarrow(stem.window().outputWidth(images.shape().dim(2)))) {
      return x;
    }
    Var strips = Redistribution.toWidth(context, null, x);
    return Var.constant(strips.value(), strips.placement());
  }

  private boolean tooNarrow(int width) {
    return Split.even(width, context.shards().size()).shortest() < minimumStrip;
  }

  private Var sequence(
      List<Layer> layers, Var x, BlockWeights weights, ForwardMode mode, Tape tape) {
    for (Layer layer : layers) {
      Var y = apply(layer, x, weights, mode, tape);
      if (y != x) {
        x.release();
      }
      x = y;
    }
    return x;
  }

  private Var apply(Layer layer, Var x, BlockWeights weights, ForwardMode mode, Tape tape) {
    if (layer instanceof Layer.Convolution c) {
      Weight w = weights.next();
      Var wide = wideEnough(x, c, tape);
      Var y = Convolution.apply(context, tape, wide, w, c.window(), c.groups());
      if (wide != x) {
        wide.release();
      }
      return y;
    } else if (layer instanceof Layer.BatchNorm b) {
      Weight gamma = weights.next();
      Weight beta = weights.next();
      RunningStatistics running = statistics.get(b.name());
      return mode.batchStatistics()
          ? BatchNorm.train(
              context,
              tape,
              x,
              gamma,
              beta,
              b.activation(),
              mode.updateRunning() ? running : null,
              batchNormMomentum)
          : BatchNorm.evaluate(context, x, gamma, beta, b.activation(), running);
    } else if (layer instanceof Layer.Residual r) {
      return residual(r, x, weights, mode, tape);
    } else if (layer instanceof Layer.GlobalMean) {
      return Head.globalMean(context, tape, x);
    } else if (layer instanceof Layer.Flatten) {
      Var whole =
          x.placement() instanceof SplitWidth && !context.alone()
              ? Redistribution.toBatch(context, tape, x)
              : x;
      Var y = Head.flatten(context, tape, whole);
      if (whole != x) {
        whole.release();
      }
      return y;
    } else if (layer instanceof Layer.Dropout d) {
      return mode.dropout() && d.rate() > 0 && x.value().shape().elements() > 0
          ? Head.dropout(context, tape, x, mask(x, d.rate(), mode))
          : x;
    }
    Layer.Dense d = (Layer.Dense) layer;
    return Head.dense(context, tape, x, weights.next(), weights.next(), d.activation());
  }

  private Var residual(Layer.Residual r, Var x, BlockWeights weights, ForwardMode mode, Tape tape) {
    Var start = x;
    for (Layer layer : r.body()) {
      if (layer instanceof Layer.Convolution c) {
        start = wideEnough(x, c, tape);
        break;
      }
    }
    Var h = start;
    for (Layer layer : r.before()) {
      Var next = apply(layer, h, weights, mode, tape);
      if (h != start) {
        h.release();
      }
      h = next;
    }
    Var body = h;
    for (Layer layer : r.body()) {
      Var next = apply(layer, body, weights, mode, tape);
      if (body != h) {
        body.release();
      }
      body = next;
    }
    Var origin = r.project() ? h : start;
    Var shortcut = origin;
    for (Layer layer : r.shortcut()) {
      Var next = apply(layer, shortcut, weights, mode, tape);
      if (shortcut != origin) {
        shortcut.release();
      }
      shortcut = next;
    }
    Var y = Head.add(context, tape, body, shortcut);
    body.release();
    if (shortcut != origin) {
      shortcut.release();
    }
    h.release();
    if (start != x && start != h) {
      start.release();
    }
    return y;
  }

  /** x itself, or moved to whole images where the layer's strips would grow too narrow. */
  private Var wideEnough(Var x, Layer.Convolution c, Tape tape) {
    return !context.alone()
            && x.placement() instanceof SplitWidth split
            && tooNarrow(c.window().outputWidth(split.width()))
        ? Redistribution.toBatch(context, tape, x)
        : x;
  }

  private Tensor mask(Var x, double rate, ForwardMode mode) {
    Shape s = x.value().shape();
    int from = x.placement() instanceof SplitBatch b ? b.rows().start(context.shard()) : 0;
    int rows = s.dim(0);
    int features = s.dim(1);
    double[] mask = new double[rows * features];
    for (int n = 0; n < rows; n++) {
      CounterRandom random =
          CounterRandom.of(
              CounterRandom.Purpose.DROPOUT,
              mode.seed(),
              mode.step(),
              mode.samples()[from + n],
              modelId);
      for (int f = 0; f < features; f++) {
        mask[n * features + f] = random.nextDouble() < rate ? 0 : 1 / (1 - rate);
      }
    }
    return context.engine().upload(s, mask);
  }

  /** Logits of all rows on every shard. */
  private double[] replicate(Var x) {
    Engine engine = context.engine();
    int k = definition.classes();
    boolean empty = x.value().shape().elements() == 0;
    if (context.alone() || !(x.placement() instanceof SplitBatch placement)) {
      return engine.download(x.value());
    }
    Split split = placement.rows();
    Tensor whole = engine.uninitialized(Shape.of(split.total(), k));
    List<ByteBuffer> out = new ArrayList<>();
    List<ByteBuffer> in = new ArrayList<>();
    int row = k * engine.dtype().bytes();
    try (var host = engine.host(whole, Access.READ_WRITE)) {
      if (!empty) {
        try (var own = engine.host(x.value(), Access.READ)) {
          host.bytes()
              .put(split.start(context.shard()) * row, own.bytes(), 0, own.bytes().remaining());
        }
      }
      ByteBuffer mine =
          host.bytes()
              .slice(split.start(context.shard()) * row, split.length(context.shard()) * row);
      for (int s = 0; s < split.parts(); s++) {
        boolean self = s == context.shard();
        out.add(self ? mine.slice(0, 0) : mine.slice());
        in.add(host.bytes().slice(split.start(s) * row, self ? 0 : split.length(s) * row));
      }
      context.shards().allToAll(out, in);
    }
    double[] logits = engine.download(whole);
    whole.close();
    return logits;
  }

  @Override
  public void close() {
    parameters.close();
  }

  /** The weights of one block, gathered for the forward and again for the backward. */
  private final class BlockWeights {
    private final int from;
    private final int to;
    private int next;
    private ShardedParameters.Gathered gathered;

    private BlockWeights(int from, int to) {
      this.from = from;
      this.to = to;
    }

    void gather() {
      gathered = parameters.gather(from, to);
    }

    void close() {
      gathered.close();
      gathered = null;
    }

    void reduce() {
      gathered.reduceGradients();
      close();
    }

    Weight next() {
      int position = next++;
      return new Weight() {
        @Override
        public Tensor value() {
          return gathered.weight(position).value();
        }

        @Override
        public void gradient(Tensor gradient, boolean replicated) {
          gathered.weight(position).gradient(gradient, replicated);
        }
      };
    }
  }
}
