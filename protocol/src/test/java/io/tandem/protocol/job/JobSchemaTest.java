package io.tandem.protocol.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** With {@code -Dtandem.regenerate=true} the schema and the table are written instead. */
class JobSchemaTest {
  private static final Path README = Path.of("README.md");
  private static final Path SCHEMA =
      Path.of("src/main/resources/io/tandem/protocol/job/job.schema.json");
  private static final String BEGIN = "<!-- job keys: begin (checked by a test) -->\n";
  private static final String END = "<!-- job keys: end -->";

  @Test
  void shouldDescribeEveryComponentOnceAndNothingElse() {
    var paths = new LinkedHashSet<String>();
    collect("", JobSpec.class, paths);
    assertThat(JobFields.all().keySet()).containsExactlyElementsOf(paths);
  }

  @Test
  void shouldMatchTheSchemaFile() throws IOException {
    if (Boolean.getBoolean("tandem.regenerate")) {
      Files.writeString(SCHEMA, JobSchema.json());
    }
    assertThat(Files.readString(SCHEMA)).isEqualTo(JobSchema.json());
  }

  @Test
  void shouldMatchTheTableInTheReadme() throws IOException {
    var readme = Files.readString(README, StandardCharsets.UTF_8);
    int from = readme.indexOf(BEGIN) + BEGIN.length();
    int to = readme.indexOf(END);
    if (Boolean.getBoolean("tandem.regenerate")) {
      readme = readme.substring(0, from) + JobSchema.table() + readme.substring(to);
      Files.writeString(README, readme);
      to = readme.indexOf(END);
    }
    assertThat(readme.substring(from, to)).isEqualTo(JobSchema.table());
  }

  private static void collect(String path, Class<?> type, Set<String> into) {
    for (var component : type.getRecordComponents()) {
      var child = JobValues.joined(path, component.getName());
      if (component.getType().isRecord()) {
        collect(child, component.getType(), into);
      } else {
        into.add(child);
      }
    }
  }
}
