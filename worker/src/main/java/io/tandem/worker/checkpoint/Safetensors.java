package io.tandem.worker.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The head of a safetensors file (github.com/huggingface/safetensors): its length (8 bytes, little
 * endian), JSON padded with spaces to a multiple of 8 bytes, then the data without gaps. Only F32.
 */
final class Safetensors {
  static final String F32 = "F32";
  static final int ELEMENT_BYTES = 4;

  private static final int LENGTH_BYTES = 8;
  private static final int LARGEST_HEAD = 100_000_000;
  private static final String METADATA = "__metadata__";
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Safetensors() {}

  /**
   * What a head says.
   *
   * @param tensors by name
   * @param metadata free texts
   */
  record Head(Map<String, Entry> tensors, Map<String, String> metadata) {}

  /**
   * One tensor of a file.
   *
   * @param shape its dims
   * @param position of its first byte in the file
   */
  record Entry(List<Long> shape, long position) {}

  /** The head of a file that holds these tensors one after the other. */
  static ByteBuffer head(Map<String, List<Long>> shapes, Map<String, String> metadata) {
    var root = MAPPER.createObjectNode();
    if (!metadata.isEmpty()) {
      var node = root.putObject(METADATA);
      new TreeMap<>(metadata).forEach(node::put);
    }
    long offset = 0;
    for (var tensor : shapes.entrySet()) {
      var node = root.putObject(tensor.getKey());
      node.put("dtype", F32);
      var dims = node.putArray("shape");
      tensor.getValue().forEach(dims::add);
      long end = offset + ELEMENT_BYTES * TensorSlice.elements(tensor.getValue());
      node.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    try {
      byte[] json = MAPPER.writeValueAsBytes(root);
      int padded = (json.length + 7) / 8 * 8;
      var head = ByteBuffer.allocate(LENGTH_BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
      head.putLong(padded).put(json);
      while (head.hasRemaining()) {
        head.put((byte) ' ');
      }
      return head.flip();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  static Head read(Path file, FileChannel channel) throws CheckpointException {
    try {
      var length = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      readFully(file, channel, 0, length);
      long bytes = length.flip().getLong();
      if (bytes < 2 || bytes > LARGEST_HEAD || LENGTH_BYTES + bytes > channel.size()) {
        throw new CheckpointException(file, "a safetensors head of " + bytes + " bytes");
      }
      var json = ByteBuffer.allocate((int) bytes);
      readFully(file, channel, LENGTH_BYTES, json);
      return parsed(file, MAPPER.readTree(json.array()), LENGTH_BYTES + bytes, channel.size());
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException | IllegalArgumentException | ArithmeticException e) {
      throw new CheckpointException(file, "no readable safetensors head", e);
    }
  }

  /** Fills the buffer or says that the file is too short. */
  static void readFully(Path file, FileChannel channel, long position, ByteBuffer into)
      throws IOException {
    while (into.hasRemaining()) {
      int read = channel.read(into, position);
      if (read < 0) {
        throw new CheckpointException(file, "truncated at " + position + " bytes");
      }
      position += read;
    }
  }

  private static Head parsed(Path file, JsonNode root, long dataStart, long fileBytes)
      throws CheckpointException {
    var tensors = new LinkedHashMap<String, Entry>();
    var metadata = new TreeMap<String, String>();
    for (var property : root.properties()) {
      if (property.getKey().equals(METADATA)) {
        property
            .getValue()
            .properties()
            .forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
        continue;
      }
      var node = property.getValue();
      var shape = node.path("shape").valueStream().map(JsonNode::asLong).toList();
      long from = node.path("data_offsets").path(0).asLong(-1);
      long to = node.path("data_offsets").path(1).asLong(-1);
      if (!node.path("dtype").asText().equals(F32)
          || from < 0
          || to > fileBytes - dataStart
          || to - from != Math.multiplyExact(TensorSlice.elements(shape), ELEMENT_BYTES)) {
        throw new CheckpointException(file, "tensor " + property.getKey() + " is not whole F32");
      }
      tensors.put(property.getKey(), new Entry(shape, dataStart + from));
    }
    return new Head(tensors, metadata);
  }
}
