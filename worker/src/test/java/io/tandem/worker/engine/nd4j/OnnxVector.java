package io.tandem.worker.engine.nd4j;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Window;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A model of one ONNX node with its inputs and outputs, from a folder of model.json and .npy files.
 */
record OnnxVector(String name, JsonNode node, List<Array> inputs, List<Array> outputs) {
  private static final Pattern NPY =
      Pattern.compile("'descr': '<(\\w\\d)', 'fortran_order': False, 'shape': \\(([^)]*)\\)");

  /** Row-major values. */
  record Array(int[] dims, double[] values) {
    int dim(int i) {
      return dims[i];
    }

    int rank() {
      return dims.length;
    }

    /** The same values with dims in another order: dim i of the result is dim order[i] of this. */
    Array permuted(int... order) {
      int[] result = new int[order.length];
      int[] stride = new int[order.length];
      for (int i = 0; i < order.length; i++) {
        result[i] = dims[order[i]];
        stride[i] = 1;
        for (int j = order[i] + 1; j < dims.length; j++) {
          stride[i] *= dims[j];
        }
      }
      double[] to = new double[values.length];
      for (int i = 0; i < to.length; i++) {
        int rest = i;
        int from = 0;
        for (int d = order.length - 1; d >= 0; d--) {
          from += rest % result[d] * stride[d];
          rest /= result[d];
        }
        to[i] = values[from];
      }
      return new Array(result, to);
    }

    /** N C d1 d2 ... to N d1 d2 ... C. */
    Array channelsLast() {
      int[] order = new int[dims.length];
      for (int i = 1; i < order.length - 1; i++) {
        order[i] = i + 1;
      }
      order[order.length - 1] = 1;
      return permuted(order);
    }

    Shape shape() {
      return Shape.of(dims);
    }
  }

  /** All single-node models of these operators under root. */
  static List<OnnxVector> load(Path root, List<String> operators) throws IOException {
    List<OnnxVector> vectors = new ArrayList<>();
    try (Stream<Path> files = Files.walk(root, 3)) {
      for (Path file : files.filter(f -> f.endsWith("model.json")).sorted().toList()) {
        JsonNode model = new ObjectMapper().readTree(file.toFile());
        JsonNode node = model.get("nodes").path(0);
        if (model.get("nodes").size() == 1 && operators.contains(node.path("op").asText())) {
          vectors.add(read(file.getParent(), model, node));
        }
      }
    }
    return vectors;
  }

  private static OnnxVector read(Path folder, JsonNode model, JsonNode node) {
    List<String> data = texts(model.get("data_inputs"));
    List<Array> inputs = new ArrayList<>();
    for (String input : texts(node.get("in"))) {
      int i = data.indexOf(input);
      inputs.add(npy(folder.resolve(i < 0 ? "init_" + input + ".npy" : "set0_in" + i + ".npy")));
    }
    List<Array> outputs = new ArrayList<>();
    List<String> produced = texts(model.get("outputs"));
    for (String output : texts(node.get("out"))) {
      outputs.add(npy(folder.resolve("set0_out" + produced.indexOf(output) + ".npy")));
    }
    return new OnnxVector(folder.getFileName().toString(), node, inputs, outputs);
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }

  private static Array npy(Path file) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      boolean version1 = bytes.get(6) == 1;
      int header = version1 ? bytes.getShort(8) : bytes.getInt(8);
      int start = (version1 ? 10 : 12) + header;
      Matcher matcher =
          NPY.matcher(new String(bytes.array(), 0, start, StandardCharsets.ISO_8859_1));
      if (!matcher.find()) {
        throw new IOException(file + ": unexpected header");
      }
      int[] dims =
          Stream.of(matcher.group(2).split(","))
              .map(String::trim)
              .filter(dim -> !dim.isEmpty())
              .mapToInt(Integer::parseInt)
              .toArray();
      double[] values = new double[(int) Shape.of(dims).elements()];
      bytes.position(start);
      for (int i = 0; i < values.length; i++) {
        values[i] =
            switch (matcher.group(1)) {
              case "f4" -> bytes.getFloat();
              case "f8" -> bytes.getDouble();
              case "i4" -> bytes.getInt();
              case "i8" -> bytes.getLong();
              default -> throw new IOException(file + ": unexpected type " + matcher.group(1));
            };
      }
      return new Array(dims, values);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  double number(String attribute, double otherwise) {
    return node.path("attr").path(attribute).asDouble(otherwise);
  }

  String text(String attribute, String otherwise) {
    return node.path("attr").path(attribute).asText(otherwise);
  }

  private int element(String attribute, int i, int otherwise) {
    return node.path("attr").path(attribute).path(i).asInt(otherwise);
  }

  /** Whether this is of two spatial dims, undilated, and rounds output sizes down. */
  boolean isPlain2d() {
    return inputs.get(0).rank() == 4
        && element("dilations", 0, 1) == 1
        && element("dilations", 1, 1) == 1
        && number("ceil_mode", 0) == 0;
  }

  /** Kernel, strides and pads; SAME pads worked out for the input's height and width. */
  Window window() {
    int[] kernel = new int[2];
    int[] stride = new int[2];
    int[] before = new int[2];
    int[] after = new int[2];
    for (int i = 0; i < 2; i++) {
      kernel[i] = element("kernel_shape", i, 1);
      stride[i] = element("strides", i, 1);
      before[i] = element("pads", i, 0);
      after[i] = element("pads", i + 2, 0);
      String automatic = text("auto_pad", "NOTSET");
      if (automatic.startsWith("SAME")) {
        int size = inputs.get(0).dim(2 + i);
        int steps = (size + stride[i] - 1) / stride[i];
        int total = Math.max(0, (steps - 1) * stride[i] + kernel[i] - size);
        before[i] = automatic.equals("SAME_LOWER") ? (total + 1) / 2 : total / 2;
        after[i] = total - before[i];
      }
    }
    return new Window(
        kernel[0], kernel[1], stride[0], stride[1], before[0], after[0], before[1], after[1]);
  }
}
