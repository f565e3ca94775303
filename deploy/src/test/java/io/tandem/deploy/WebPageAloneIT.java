package io.tandem.deploy;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import io.tandem.deploy.client.TandemClient;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The web page of a coordinator without workers in Chromium: tokens, and lists that are long. */
class WebPageAloneIT {
  @TempDir static Path directory;
  private static Browser browser;
  private static TestCluster cluster;

  @BeforeAll
  static void start() {
    browser = Browser.start();
    cluster = new TestCluster(directory);
  }

  @AfterAll
  static void stop() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
    if (browser != null) {
      browser.close();
    }
  }

  @AfterEach
  void closeTabs() {
    browser.closeTabs();
  }

  /** With a store of that name. */
  private static TandemProcess coordinator(String store, Map<String, String> environment)
      throws Exception {
    return cluster.tandem(
        environment,
        "coordinator",
        "--store",
        directory.resolve(store).toString(),
        "--rest-port",
        "0",
        "--control-port",
        "0");
  }

  @Test
  void shouldKeepPagesThatWereLoadedAndSortEitherWayOnAPhone() throws Exception {
    TandemProcess idle = coordinator("idle", Map.of());
    String server = idle.await("coordinator at (http://[^,\\s]+)").group(1);
    TandemClient client = new TandemClient(URI.create(server), "");
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 103; i++) {
      String job = TestCluster.job(directory, 1, 1, 10).replace("name: small", "name: many-" + i);
      ids.add(client.submit(job.getBytes(StandardCharsets.UTF_8), null).path("id").asText());
    }
    Page page = browser.open(server + "/#/workers", 390, 844);
    // No news of jobs, as of old ones; the list is loaded again whenever the stream has ended.
    String totals =
        "event: totals\ndata: {\"workers\":0,\"slots\":0,\"usedSlots\":0,\"jobs\":{}}\n\n";
    page.route(
        "**/v1/changes",
        route ->
            route.fulfill(
                new Route.FulfillOptions().setContentType("text/event-stream").setBody(totals)));
    page.navigate(server + "/#/");
    Locator rows = page.locator("tbody tr");
    assertThat(rows).hasCount(100);
    assertThat(rows.first()).containsText("many-102");
    Browser.button(page, "Load more").click();
    assertThat(rows).hasCount(103);
    client.act(ids.get(0), "cancel");
    client.delete(ids.get(0));
    assertThat(rows).hasCount(102);
    Browser.button(page, "Descending").click();
    assertThat(Browser.button(page, "Ascending")).isVisible();
    assertThat(rows.first()).containsText(Pattern.compile("many-1(?!\\d)"));
    idle.close();
  }

  /** He is told, once, and nothing more is asked for him. */
  @Test
  void shouldTellAViewerThatHeCannotSubmit() throws Exception {
    TandemProcess made =
        cluster.tandem(Map.of(), "token", "--json", "--name", "anna", "--role", "viewer");
    assertThat(made.exitCode()).as(made.said()).isZero();
    JsonNode said = new ObjectMapper().readTree(made.out());
    Path tokens = Files.writeString(directory.resolve("tokens"), said.path("line").asText());
    TandemProcess guarded = coordinator("viewed", Map.of("TANDEM_TOKENS", tokens.toString()));
    String port = guarded.await("coordinator at http://[^:]+:(\\d+)").group(1);
    Page page = browser.open("http://127.0.0.1:" + port + "/#/submit", 1280, 800);
    page.locator("dialog").getByLabel("Token").fill(said.path("token").asText());
    List<String> checks = new CopyOnWriteArrayList<>();
    page.onRequest(
        request -> {
          if (request.url().contains("dryRun")) {
            checks.add(request.url());
          }
        });
    Browser.button(page, "Continue").click();
    Browser.contains(page.locator("#verdict"), "anna is a viewer; this takes a submitter");
    assertThat(checks).hasSize(1);
    page.clock().install();
    page.getByLabel("Job file, YAML or JSON").fill("name: x");
    page.clock().runFor(10_000);
    Browser.contains(page.locator("#verdict"), "Nothing can be submitted with this token");
    assertThat(checks).as("looked at once").hasSize(1);
    guarded.close();
  }

  @Test
  void shouldAskForTheToken() throws Exception {
    TandemProcess guarded = coordinator("guarded", Map.of("TANDEM_TOKEN", "s3cret"));
    String port = guarded.await("coordinator at http://[^:]+:(\\d+)").group(1);
    Page page = browser.open("http://127.0.0.1:" + port + "/", 1280, 800);
    Locator token = page.locator("dialog").getByLabel("Token");
    token.fill("wrong");
    Browser.button(page, "Continue").click();
    Browser.contains(page.locator("dialog"), "did not accept");
    token.fill("s3cret");
    Browser.button(page, "Continue").click();
    Browser.contains(page.locator("main"), "No job yet");
    Browser.contains(page.locator(".connection"), "live");
    page.reload();
    Browser.contains(page.locator("main"), "No job yet");
    assertThat(page.evaluate("document.cookie + Object.keys(localStorage)")).isEqualTo("");
    Browser.button(page, "Forget token").click();
    assertThat(token).isVisible();
    guarded.close();
  }
}
