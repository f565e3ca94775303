package io.tandem.worker.train;

import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.SliceRange;
import io.tandem.worker.checkpoint.TensorSlice;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.model.Parameter;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One shard's part of the training state as named slices. Tensors are called {@code
 * MODEL.weights.PARAMETER}, {@code MODEL.momentum.PARAMETER} and {@code MODEL.average.PARAMETER};
 * the running statistics stand with the average, which is what is evaluated and exported: {@code
 * MODEL.average.NORM.mean} and {@code .variance}. MODEL is {@code teacher} or {@code student}.
 */
final class Snapshot {
  private static final String[] MODELS = {"teacher", "student"};

  private Snapshot() {}

  /** The name in tensors of the learner with that position. */
  static String model(int position) {
    return MODELS[position];
  }

  /** This shard's part. */
  static List<TensorSlice> slices(ShardContext context, List<Learner> learners) {
    List<TensorSlice> slices = new ArrayList<>();
    for (int m = 0; m < learners.size(); m++) {
      Learner learner = learners.get(m);
      add(
          slices,
          context,
          learner,
          learner.network().parameters().weights(),
          MODELS[m] + ".weights.");
      add(slices, context, learner, learner.velocity(), MODELS[m] + ".momentum.");
      add(slices, context, learner, learner.average(), MODELS[m] + ".average.");
      if (context.shard() == 0) {
        String prefix = MODELS[m] + ".average.";
        learner
            .network()
            .statistics()
            .forEach(
                (name, running) -> {
                  slices.add(whole(prefix + name + ".mean", running.mean()));
                  slices.add(whole(prefix + name + ".variance", running.variance()));
                });
      }
    }
    return slices;
  }

  private static void add(
      List<TensorSlice> slices, ShardContext context, Learner learner, Tensor flat, String prefix) {
    ShardedParameters parameters = learner.network().parameters();
    float[] values = new float[parameters.length()];
    context.engine().download(flat, values, 0);
    for (int i = 0; i < parameters.parameters().size(); i++) {
      Parameter parameter = parameters.parameters().get(i);
      SliceRange range =
          SliceRange.of(parameter.shape().elements(), context.shard(), context.shards().size());
      slices.add(
          new TensorSlice(
              prefix + parameter.name(),
              Arrays.stream(parameter.shape().dims()).mapToObj(d -> (long) d).toList(),
              range.from(),
              FloatBuffer.wrap(values, parameters.offset(i), (int) range.count()).slice()));
    }
  }

  private static TensorSlice whole(String name, double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return new TensorSlice(name, List.of((long) values.length), 0, FloatBuffer.wrap(floats));
  }

  /** Reads this shard's part, whatever mesh wrote it. */
  static void read(ShardContext context, List<Learner> learners, CheckpointReader reader)
      throws CheckpointException {
    for (int m = 0; m < learners.size(); m++) {
      Learner learner = learners.get(m);
      fill(
          context,
          learner,
          learner.network().parameters().weights(),
          MODELS[m] + ".weights.",
          reader);
      fill(context, learner, learner.velocity(), MODELS[m] + ".momentum.", reader);
      fill(context, learner, learner.average(), MODELS[m] + ".average.", reader);
      String prefix = MODELS[m] + ".average.";
      for (var entry : learner.network().statistics().entrySet()) {
        read(reader, prefix + entry.getKey() + ".mean", entry.getValue().mean());
        read(reader, prefix + entry.getKey() + ".variance", entry.getValue().variance());
      }
    }
  }

  private static void fill(
      ShardContext context, Learner learner, Tensor flat, String prefix, CheckpointReader reader)
      throws CheckpointException {
    ShardedParameters parameters = learner.network().parameters();
    float[] values = new float[parameters.length()];
    for (int i = 0; i < parameters.parameters().size(); i++) {
      Parameter parameter = parameters.parameters().get(i);
      SliceRange range =
          SliceRange.of(parameter.shape().elements(), context.shard(), context.shards().size());
      int count = (int) range.count();
      reader.readSlice(
          prefix + parameter.name(),
          range.from(),
          count,
          FloatBuffer.wrap(values, parameters.offset(i), count).slice());
    }
    Engine engine = context.engine();
    try (var scope = engine.openScope()) {
      engine.copy(engine.upload(Shape.of(values.length), values), flat);
    }
  }

  private static void read(CheckpointReader reader, String name, double[] into)
      throws CheckpointException {
    float[] values = new float[into.length];
    reader.readSlice(name, 0, values.length, FloatBuffer.wrap(values));
    for (int i = 0; i < into.length; i++) {
      into[i] = values[i];
    }
  }
}
