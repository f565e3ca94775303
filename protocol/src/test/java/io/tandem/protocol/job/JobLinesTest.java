package io.tandem.protocol.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class JobLinesTest {
  private static final String YAML =
      """
      # A job
      name: x

      mesh: {replicas: 1,
        shards: 2}
      data:
        mean:
          - 0.5
          - 7
        path: /data
      """;

  private static JobLines lines(String text) {
    return JobLines.of(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void shouldFindKeysAndElements() {
    JobLines lines = lines(YAML);
    assertThat(lines.line("name")).isEqualTo(2);
    assertThat(lines.line("mesh.replicas")).isEqualTo(4);
    assertThat(lines.line("mesh.shards")).isEqualTo(5);
    assertThat(lines.line("data.mean[1]")).isEqualTo(9);
    assertThat(lines.line("data.path")).isEqualTo(10);
  }

  @Test
  void shouldFindTheSectionInWhichAKeyIsMissing() {
    JobLines lines = lines(YAML);
    assertThat(lines.line("data.format")).isEqualTo(6);
    assertThat(lines.line("model.family")).isZero();
    assertThat(lines.line("")).isZero();
  }

  @Test
  void shouldFindWhereTheTextIsBroken() {
    assertThat(lines("name: x\nmesh: {replicas: 1\ndata: y\n").line("")).isPositive();
    assertThat(lines("name: x\n\tmesh: 1\n").line("")).isEqualTo(2);
    assertThat(lines("name: x\nseed: 1\nname: y\n").line("")).isEqualTo(3);
  }

  @Test
  void shouldReadJson() {
    assertThat(lines("{\n  \"name\": \"x\",\n  \"mesh\": {\n \"shards\": 0}}").line("mesh.shards"))
        .isEqualTo(4);
  }

  @Test
  void shouldBearWhatCannotBeRead() {
    String bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    assertThat(lines(bomb).line("c")).isNotNegative();
    assertThat(lines("[".repeat(100_000)).line("name")).isZero();
    assertThat(JobLines.of(new byte[] {(byte) 0xff, 0}).line("")).isZero();
    assertThat(JobLines.of(new byte[JobFiles.MAXIMUM_BYTES + 1]).line("")).isZero();
  }

  @Property(tries = 500)
  void shouldNeverThrow(@ForAll byte[] bytes) {
    assertThat(JobLines.of(bytes).line("name")).isNotNegative();
  }
}
