package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The page of promises against the tests that it names. */
class PromisesTest {
  @Test
  void shouldNameTestsThatAreThere() throws IOException {
    Map<String, String> sources = new HashMap<>();
    for (String module : new String[] {"protocol", "worker", "coordinator", "deploy"}) {
      try (Stream<Path> files = Files.walk(Path.of("..", module, "src/test/java"))) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          sources.put(file.getFileName().toString().replace(".java", ""), Files.readString(file));
        }
      }
    }
    String page = Files.readString(Path.of("PROMISES.md"));
    var named = Pattern.compile("`(\\w+(?:Test|IT))\\.(\\w+)`").matcher(page).results().toList();
    assertThat(named).hasSizeGreaterThan(25);
    for (MatchResult test : named) {
      assertThat(sources).containsKey(test.group(1));
      assertThat(sources.get(test.group(1))).contains("void " + test.group(2) + "(");
    }
  }
}
