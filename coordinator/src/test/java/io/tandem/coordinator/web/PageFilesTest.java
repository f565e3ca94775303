package io.tandem.coordinator.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PageFilesTest {
  private static final Pattern USED =
      Pattern.compile("(?:from ?|import ?|href=|src=)[\"']([./][^\"'\\s]+)[\"']");
  private static final Pattern ADDRESS = Pattern.compile("https?://[\\w.-]+");

  private final PageFiles files = new PageFiles();

  @Test
  void shouldServeEveryFileThatLiesThere() throws Exception {
    URI directory = PageFiles.class.getResource("index.html").toURI();
    try (Stream<Path> all = Files.list(Path.of(directory).getParent())) {
      Set<String> own =
          all.map(path -> path.getFileName().toString())
              .filter(name -> !name.endsWith(".class"))
              .map(name -> name.equals("index.html") ? "/" : "/web/" + name)
              .collect(Collectors.toSet());
      assertThat(own).hasSizeGreaterThan(10).isSubsetOf(files.paths());
    }
  }

  @Test
  void shouldFindAllThatItsFilesUse() {
    for (String path : files.paths()) {
      Matcher used = USED.matcher(text(path));
      while (used.find()) {
        String target = URI.create(path).resolve(used.group(1)).toString();
        assertThat(files.at(target)).as("%s uses %s", path, target).isPresent();
      }
    }
  }

  /** A strict policy would break what the page did not bring with it. */
  @Test
  void shouldHoldNoForeignAddressAndNothingInline() {
    for (String path : files.paths()) {
      if (!path.startsWith("/web/lib/")) {
        assertThat(addresses(text(path))).as(path).isSubsetOf("http://www.w3.org");
      }
    }
    assertThat(text("/")).doesNotContain("<style").doesNotContain(" style=");
    assertThat(text("/").replaceAll("<script[^>]+src=[^>]+></script>", ""))
        .doesNotContain("<script");
  }

  private static List<String> addresses(String text) {
    return ADDRESS.matcher(text).results().map(result -> result.group()).toList();
  }

  private String text(String path) {
    return new String(files.at(path).orElseThrow().bytes(), StandardCharsets.UTF_8);
  }
}
