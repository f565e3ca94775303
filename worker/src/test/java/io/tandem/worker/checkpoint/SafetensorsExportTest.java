package io.tandem.worker.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsExportTest {
  @TempDir Path root;

  @Test
  void shouldWriteWholeTensorsAsTheFormatSays() throws IOException {
    var out = root.resolve("student.safetensors");
    try (var reader = CheckpointReader.open(Written.checkpoint(root, 9, 1, 5))) {
      SafetensorsExport.write(out, reader, "student.");
    }
    var bytes = Files.readAllBytes(out);
    var file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int head = (int) file.getLong();
    assertThat(head % 8).isZero();
    var json = new ObjectMapper().readTree(Arrays.copyOfRange(bytes, 8, 8 + head));
    assertThat(json.fieldNames())
        .toIterable()
        .containsExactly("__metadata__", "head.bias", "stem.weight");
    assertThat(json.at("/__metadata__/job").asText()).isEqualTo("small");
    assertThat(json.at("/__metadata__/step").asText()).isEqualTo("9");
    var weight = json.get("stem.weight");
    assertThat(weight.toString())
        .isEqualTo("{\"dtype\":\"F32\",\"shape\":[3,3,3,16],\"data_offsets\":[28,1756]}");
    assertThat(bytes).hasSize(8 + head + 1756);
    for (int i = 0; i < 432; i++) {
      assertThat(file.getFloat(8 + head + 28 + 4 * i))
          .isEqualTo(Written.value("student.stem.weight", i));
    }
  }

  @Test
  void shouldLeaveNothingUnfinishedAndTheOldFileWhenTheDiskIsFull() throws IOException {
    assumeThat(Path.of("/dev/full")).exists();
    var out = Files.writeString(root.resolve("student.safetensors"), "old");
    var unfinished = root.resolve("student.safetensors.tmp");
    Files.createSymbolicLink(unfinished, Path.of("/dev/full"));
    try (var reader = CheckpointReader.open(Written.checkpoint(root, 9, 1, 2))) {
      assertThatThrownBy(() -> SafetensorsExport.write(out, reader, "student."))
          .isInstanceOf(CheckpointException.NotWritten.class)
          .hasMessageContaining(out.toString());
    }
    assertThat(Files.isSymbolicLink(unfinished)).isFalse();
    assertThat(out).hasContent("old");
  }

  @Test
  void shouldRefuseAPrefixOfNothing() throws IOException {
    try (var reader = CheckpointReader.open(Written.checkpoint(root, 9, 1, 2))) {
      assertThatThrownBy(() -> SafetensorsExport.write(root.resolve("x"), reader, "ema."))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("no tensor begins with ema.");
    }
    assertThat(root.resolve("x")).doesNotExist();
  }
}
