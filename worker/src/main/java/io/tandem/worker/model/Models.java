package io.tandem.worker.model;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.ModelSpec;
import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.Window;
import java.util.ArrayList;
import java.util.List;

/** The families of models. */
public final class Models {
  private static final Activation LEAKY = Activation.leaky(0.1);

  private Models() {}

  /** The network that a job asks for. */
  public static ModelDefinition of(ModelSpec model, DataSpec data) {
    return switch (model.family()) {
      case WIDE_RESNET ->
          wideResNet(
              model.depth(),
              model.width(),
              model.stemChannels(),
              model.stemStride(),
              data.channels(),
              data.classes(),
              model.dropout());
      case MLP ->
          mlp(
              data.imageHeight() * data.imageWidth() * data.channels(),
              model.depth(),
              model.width(),
              data.classes(),
              Activation.RELU);
    };
  }

  /**
   * WideResNet-depth-k with pre-activation (Zagoruyko and Komodakis, arXiv 1605.07146); three
   * stages of (depth - 4) / 6 blocks, widths 1, 2 and 4 times {@code stem * k}, the last two begin
   * with stride 2. WRN-28-2 with stem 16 and 10 classes has 1,467,610 parameters.
   */
  public static ModelDefinition wideResNet(
      int depth, int k, int stem, int stemStride, int channels, int classes, double dropout) {
    if (depth < 10 || (depth - 4) % 6 != 0) {
      throw new IllegalArgumentException("WideResNet depth " + depth + " is not 6n+4, n >= 1");
    }
    List<List<Layer>> blocks = new ArrayList<>();
    int kernel = stemStride < 3 ? 3 : stemStride + 1 + stemStride % 2;
    Window first = Window.square(kernel, stemStride, (kernel - 1) / 2);
    blocks.add(List.of(new Layer.Convolution("stem", channels, stem, first, 1)));
    int in = stem;
    for (int stage = 0; stage < 3; stage++) {
      int out = stem * k << stage;
      for (int i = 0; i < (depth - 4) / 6; i++) {
        int stride = stage > 0 && i == 0 ? 2 : 1;
        blocks.add(List.of(block("stage" + (stage + 1) + "." + i, in, out, stride)));
        in = out;
      }
    }
    List<Layer> head = new ArrayList<>();
    head.add(new Layer.BatchNorm("head.norm", in, LEAKY));
    head.add(new Layer.GlobalMean());
    if (dropout > 0) {
      head.add(new Layer.Dropout(dropout));
    }
    head.add(new Layer.Dense("head.classifier", in, classes, Activation.IDENTITY));
    blocks.add(head);
    return new ModelDefinition(blocks, classes);
  }

  private static Layer block(String name, int in, int out, int stride) {
    boolean project = in != out || stride != 1;
    return new Layer.Residual(
        List.of(new Layer.BatchNorm(name + ".norm1", in, LEAKY)),
        List.of(
            new Layer.Convolution(name + ".conv1", in, out, Window.square(3, stride, 1), 1),
            new Layer.BatchNorm(name + ".norm2", out, LEAKY),
            new Layer.Convolution(name + ".conv2", out, out, Window.square(3, 1, 1), 1)),
        project
            ? List.of(
                new Layer.Convolution(name + ".shortcut", in, out, Window.square(1, stride, 0), 1))
            : List.of(),
        project);
  }

  /** Fully connected layers; {@code hidden} of {@code units} and the classifier. */
  public static ModelDefinition mlp(
      int inputs, int hidden, int units, int classes, Activation activation) {
    List<List<Layer>> blocks = new ArrayList<>();
    int in = inputs;
    for (int i = 0; i < hidden; i++) {
      Layer dense = new Layer.Dense("hidden" + i, in, units, activation);
      blocks.add(i == 0 ? List.of(new Layer.Flatten(), dense) : List.of(dense));
      in = units;
    }
    Layer classifier = new Layer.Dense("classifier", in, classes, Activation.IDENTITY);
    blocks.add(hidden == 0 ? List.of(new Layer.Flatten(), classifier) : List.of(classifier));
    return new ModelDefinition(blocks, classes);
  }
}
