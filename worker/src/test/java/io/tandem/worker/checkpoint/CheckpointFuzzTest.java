package io.tandem.worker.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.fuzz.Bounded;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Hostile;
import io.tandem.protocol.fuzz.Scratch;
import io.tandem.worker.storage.Storage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the files of a checkpoint hold, their digests being right, they are read or refused. */
class CheckpointFuzzTest {
  private static final long LITTLE = 16L << 20;
  private static final String[] WORDS = {
    "null",
    "-1",
    "0",
    "1",
    "{}",
    "[]",
    "{",
    "[",
    "\"\"",
    "9223372036854775807",
    "4611686018427387904",
    "-9223372036854775808",
    "1e999",
    "\"F32\"",
    "\"__metadata__\":",
    "\"from:scalar\":",
    "\\u0000",
    "../"
  };

  /** Files of a checkpoint, by name: writing one anew forces each of them to the disk. */
  private static final Map<String, byte[]> TEMPLATE = new TreeMap<>();

  private Path root;
  private Path directory;
  private Path shard;
  private Manifest manifest;

  @BeforeTry
  @BeforeEach
  void write() throws IOException {
    root = Scratch.directory();
    directory = Files.createDirectories(root.resolve(Checkpoints.name(100, 1)));
    if (TEMPLATE.isEmpty()) {
      try (var files = Files.list(Written.checkpoint(root, 100, 1, 1))) {
        for (Path file : files.toList()) {
          TEMPLATE.put(file.getFileName().toString(), Files.readAllBytes(file));
        }
      }
    }
    for (var file : TEMPLATE.entrySet()) {
      Files.write(directory.resolve(file.getKey()), file.getValue());
    }
    shard = directory.resolve(ShardFile.name(0, 1));
    manifest = CheckpointReader.manifest(directory);
  }

  @AfterTry
  @AfterEach
  void remove() throws IOException {
    Storage.delete(root);
  }

  /** With a digest that fits. */
  private void sealed(Path file, byte[] bytes) throws IOException {
    Files.write(file, bytes);
    String line = DigestingFile.sha256(bytes) + "  " + file.getFileName() + "\n";
    Files.writeString(ShardFile.digestOf(file), line);
  }

  private void shard(byte[] bytes) throws IOException {
    sealed(shard, bytes);
    var info = new Manifest.FileInfo(bytes.length, DigestingFile.sha256(bytes));
    var files = Map.of(shard.getFileName().toString(), info);
    manifest(new Manifest(1, manifest.facts(), manifest.tensors(), files).toJson());
  }

  private void manifest(byte[] json) throws IOException {
    sealed(directory.resolve(Manifest.FILE), json);
  }

  private static byte[] withLength(byte[] head, int data) {
    var file = ByteBuffer.allocate(Long.BYTES + head.length + data).order(ByteOrder.LITTLE_ENDIAN);
    return file.putLong(head.length).put(head).array();
  }

  /** Opens it and reads all that it says it has. */
  private void readOrRefuse() {
    Bounded.run(
        LITTLE,
        () -> {
          try (var reader = CheckpointReader.open(directory)) {
            assertThat(reader.manifest().facts().jobName()).isNotNull();
            for (var tensor : reader.manifest().tensors().entrySet()) {
              int count = (int) Math.min(1 << 16, tensor.getValue().elements());
              reader.readSlice(tensor.getKey(), 0, count, FloatBuffer.allocate(count));
            }
          } catch (CheckpointException e) {
            assertThat(e.file().toString()).startsWith(directory.toString());
          }
        });
  }

  private static String writtenHead() {
    ByteBuffer head =
        Safetensors.head(
            Map.of("scalar", List.of(1L), "student.head.bias", List.of(7L)),
            Map.of(
                "from:scalar",
                "0",
                "shape:scalar",
                "",
                "from:student.head.bias",
                "0",
                "shape:student.head.bias",
                "7"));
    return new String(head.array(), Long.BYTES, head.remaining() - Long.BYTES, UTF_8);
  }

  @Provide
  Arbitrary<byte[]> shards() {
    Hostile heads = Hostile.of(List.of(writtenHead()), WORDS);
    Hostile files = Hostile.of(withLength(writtenHead().getBytes(UTF_8), 32));
    return Arbitraries.randomValue(
        random ->
            random.nextInt(4) > 0
                ? withLength(heads.next(random), random.nextInt(64))
                : files.next(random));
  }

  @Fuzz
  void shouldReadOrRefuseAnyShard(@ForAll("shards") byte[] bytes) throws IOException {
    shard(bytes);
    readOrRefuse();
  }

  @Provide
  Arbitrary<byte[]> manifests() {
    var facts = Written.facts(100, 2, 1);
    var tensors = Map.of("scalar", new Manifest.TensorInfo("F32", List.of(1L, 2L)));
    var files = Map.of("shard-00000-of-00001.safetensors", new Manifest.FileInfo(12, "ab12"));
    String json = new String(new Manifest(1, facts, tensors, files).toJson(), UTF_8);
    return Hostile.of(List.of(json, json.replaceAll("\\s", "")), WORDS).inputs();
  }

  @Fuzz
  void shouldReadOrRefuseAnyManifest(@ForAll("manifests") byte[] json) throws IOException {
    manifest(json);
    readOrRefuse();
  }

  @Provide
  Arbitrary<byte[]> digests() {
    return Hostile.of(List.of("a".repeat(64) + "  manifest.json\n"), "\n", " ", "\u0000").inputs();
  }

  @Fuzz
  void shouldRefuseAnyOtherDigest(@ForAll("digests") byte[] digest) throws IOException {
    Files.write(ShardFile.digestOf(directory.resolve(Manifest.FILE)), digest);
    assertThatThrownBy(() -> CheckpointReader.open(directory))
        .isInstanceOf(CheckpointException.class);
  }

  private void assertRefused(String... words) {
    assertThatThrownBy(() -> CheckpointReader.open(directory))
        .isInstanceOf(CheckpointException.class)
        .satisfies(e -> assertThat(e.toString() + e.getCause()).contains(words));
  }

  /**
   * A shard of one tensor and four bytes.
   *
   * @param rest of what is said of the tensor, from its shape on
   * @param shape that the whole tensor is said to have
   */
  private void shardOf(String rest, String shape) throws IOException {
    String head =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":%s},\"__metadata__\":{\"from:a\":\"0\",\"shape:a\":\"%s\"}}"
            .formatted(rest, shape);
    shard(withLength(head.getBytes(UTF_8), 4));
  }

  /** Four times as many bytes overflowed to none, and a position to before the file. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "[4611686018427387904], \"data_offsets\":[0,0]",
        "[1], \"data_offsets\":[9223372036854775800,9223372036854775804]",
        "[-1], \"data_offsets\":[4,0]"
      })
  void shouldRefuseTensorsThatTheFileCannotHold(String rest) throws IOException {
    shardOf(rest, "1");
    assertRefused("safetensors");
  }

  @ParameterizedTest
  @ValueSource(strings = {"4611686018427387904,4611686018427387904", "-1", "0", "x", ",,1"})
  void shouldRefuseShapesThatNoTensorHas(String shape) throws IOException {
    shardOf("[1],\"data_offsets\":[0,4]", shape);
    assertRefused("tensor a");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../../etc/passwd",
        "/dev/zero",
        "manifest.json",
        "\\u0000",
        "",
        "shard-1.safetensors"
      })
  void shouldOpenNoFileThatIsNoneOfACheckpoint(String name) throws IOException {
    String json = new String(manifest.toJson(), UTF_8);
    manifest(json.replace(shard.getFileName().toString(), name).getBytes(UTF_8));
    assertRefused("is no name of its files");
  }

  @ParameterizedTest
  @ValueSource(strings = {"facts", "jobId", "step", "counters", "scalars", "files", "tensors"})
  void shouldRefuseAManifestThatLacksSomething(String key) throws IOException {
    var mapper = new com.fasterxml.jackson.databind.ObjectMapper();
    var tree = mapper.readTree(manifest.toJson());
    var holder = tree.findParent(key);
    ((com.fasterxml.jackson.databind.node.ObjectNode) holder)
        .put(key, key.equals("step") ? "-1" : null);
    manifest(mapper.writeValueAsBytes(tree));
    assertRefused("no readable manifest");
  }

  @ParameterizedTest
  @ValueSource(strings = {"manifest.json", "manifest.json.sha256"})
  void shouldNotReadGigabytesWhereAFewBytesBelong(String name) throws IOException {
    try (var file = new RandomAccessFile(directory.resolve(name).toFile(), "rw")) {
      file.setLength(3L << 30);
    }
    Bounded.run(256L << 20, () -> assertRefused("more than"));
  }

  @Test
  void shouldPassOverDirectoriesWhoseStepIsNoNumber() throws IOException {
    Files.createDirectories(root.resolve("step-" + "9".repeat(30)));
    Files.createDirectories(root.resolve("step-00000001" + Checkpoints.TEMPORARY + "9".repeat(30)));
    assertThat(Checkpoints.list(root)).containsExactly(directory);
    assertThat(Checkpoints.prune(root, 1, 5, 100)).isEmpty();
  }
}
