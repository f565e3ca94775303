package io.tandem.deploy;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.assertions.LocatorAssertions.ContainsTextOptions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The web page in Chromium, on a real cluster. With {@code -Dtandem.screenshots=DIR} it leaves
 * pictures there.
 */
class WebPageIT {
  private static final int ENDLESS = 10_000_000;
  @TempDir static Path directory;
  private static Browser browser;
  private static Path pictures;
  private static TestCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    browser = Browser.start();
    pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 8, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    cluster = new TestCluster(directory);
    cluster.startCoordinator();
    List<TandemProcess> workers = List.of(cluster.worker(2), cluster.worker(2));
    workers.forEach(TestCluster::registered);
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
    List<String> complaints = List.copyOf(browser.complaints());
    browser.closeTabs();
    assertThat(complaints).as("errors and blocked content").isEmpty();
  }

  private static String job(String name, int replicas, int shards, int steps) {
    return TestCluster.job(pictures, replicas, shards, steps)
            .replace("name: small", "name: " + name)
        + "evaluation: {every: 20}\n";
  }

  private static Page open(String view) {
    return browser.open(cluster.server() + "/" + view, 1280, 800);
  }

  private static Locator button(Page page, String name) {
    return page.getByRole(
        AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
  }

  private static Locator section(Page page, String name) {
    return page.getByRole(
        AriaRole.REGION, new Page.GetByRoleOptions().setName(name).setExact(true));
  }

  private static void contains(Locator locator, String text) {
    assertThat(locator).containsText(text, new ContainsTextOptions().setIgnoreCase(true));
  }

  @Test
  void shouldSubmitAJobAndFollowItToItsEnd() {
    Page page = open("#/submit");
    page.getByLabel("Job file, YAML or JSON").fill(job("followed", 2, 2, 120));
    contains(page.locator("#verdict"), "accepts this job file");
    button(page, "Submit").click();
    Locator title = page.locator("h1");
    contains(title, "followed");
    contains(title, "running");
    contains(page.locator("[data-state=live]"), "live");
    Locator loss = section(page, "Loss");
    assertThat(loss.locator("canvas")).isVisible();
    Locator mesh = section(page, "Mesh");
    assertThat(mesh.locator(".rank")).hasCount(4);
    assertThat(mesh.locator(".rank").getByText("waits")).hasCount(4);
    assertThat(mesh.locator(".rank progress")).hasCount(4);
    contains(mesh, "Busiest: rank");
    Browser.picture(page, "job-running");
    contains(section(page, "Where a step's time goes"), "forward");
    contains(title, "succeeded");
    contains(page.locator(".standing"), "120 of 120 steps");
    assertThat(page.locator(".tiles div").filter(new Locator.FilterOptions().setHasText("Goodput")))
        .containsText(Pattern.compile("Goodput\\d\\d?\\.\\d %"));
    contains(section(page, "Test accuracy"), "%");
    contains(section(page, "Events"), "step 120: ");
    contains(section(page, "Checkpoints"), "step 120");
    Locator images = section(page, "Test images");
    assertThat(images.locator("figure")).not().hasCount(0);
    contains(images.locator("figure").first(), "teacher");
    contains(images.locator("figure").first(), "student");
    assertThat((Integer) images.locator("img").first().evaluate("image => image.naturalWidth"))
        .isEqualTo(32);
    Object points = page.evaluate("document.querySelectorAll('canvas').length");
    assertThat((Integer) points).isGreaterThanOrEqualTo(4);
    page.getByText("Job file", new Page.GetByTextOptions().setExact(true)).click();
    contains(page.locator("pre.file"), "family: wide-resnet");
    Browser.picture(page, "job");
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
    Browser.picture(page, "job-dark");
  }

  @Test
  void shouldShowMistakesAtTheirLines() {
    Page page = open("#/submit");
    Locator editor = page.getByLabel("Job file, YAML or JSON");
    editor.fill("name: x\nmesh:\n  replicas: -1\nnonsense: 1\nmodel: {family: mlp}\n");
    Locator third = page.locator(".lines li").nth(2);
    contains(third, "given -1; allowed: a whole number from 1 to 1024");
    contains(page.locator(".lines li").nth(3), "an unknown key");
    assertThat(page.locator(".lines li.bad")).hasCount(2);
    contains(page.locator(".mistakes"), "training.steps");
    Browser.picture(page, "submit");
    page.locator(".mistakes").getByText("line 3").click();
    assertThat(editor).isFocused();
    assertThat(editor.evaluate("a => a.value.slice(a.selectionStart, a.selectionEnd)"))
        .isEqualTo("  replicas: -1");

    editor.fill("name: x\nmesh: {replicas: 1\nmodel: y\n");
    assertThat(page.locator(".lines li.bad")).hasCount(1);
    assertThat(page.locator(".lines li").nth(2)).not().containsText("unknown key");
    button(page, "Submit").click();
    contains(page.locator("#verdict"), "1 mistake");
    assertThat(cluster.client().jobs(null, 100, null).toString()).doesNotContain("\"name\":\"x\"");
  }

  @Test
  void shouldListSortFilterPauseResumeAndCancel() {
    String id = cluster.submit(job("pair-endless", 1, 2, ENDLESS));
    String waiting = cluster.submit(job("pair-larger", 4, 2, 10).replace("Batch: 4", "Batch: 8"));
    Page page = open("");
    Locator row = page.locator("tr[data-job=" + id + "]");
    contains(row, "running");
    contains(row, "of 10,000,000");
    contains(page.locator("tr[data-job=" + waiting + "]"), "8 ranks");
    Browser.picture(page, "jobs");
    Locator rows = page.locator("tbody tr");
    page.getByLabel("Filter jobs").fill("2 pair endl");
    assertThat(rows).hasCount(1);
    page.getByLabel("Filter jobs").fill("pair-");
    assertThat(rows).hasCount(2);
    button(page, "Job").click();
    assertThat(rows.first()).containsText("pair-endless");
    button(page, "Job").click();
    assertThat(page.locator("th[aria-sort=descending]")).hasText("Job↓");
    assertThat(rows.first()).containsText("pair-larger");

    row.locator("a").first().click();
    contains(page.locator("h1"), "running");
    button(page, "Pause").click();
    contains(page.locator("h1"), "paused");
    button(page, "Resume").click();
    Locator dialog = page.locator("dialog");
    dialog.getByLabel("Shards").fill("1");
    dialog.getByText("Resume", new Locator.GetByTextOptions().setExact(true)).last().click();
    contains(page.locator("h1"), "running");
    assertThat(section(page, "Mesh").locator(".rank")).hasCount(1);
    button(page, "Cancel").click();
    button(page, "Back").click();
    contains(page.locator("h1"), "running");
    button(page, "Cancel").click();
    button(page, "Cancel the job").click();
    contains(page.locator("h1"), "cancelled");
    contains(section(page, "Events"), "cancelling");
    cluster.client().act(waiting, "cancel");
    page.navigate(cluster.server() + "/#/workers");
    assertThat(page.locator("tbody tr")).hasCount(2);
    contains(page.locator(".summary"), "of 4 slots in use");
    Browser.picture(page, "workers");
  }

  @Test
  void shouldGoOnAfterTheCoordinatorWasAway() throws Exception {
    String id = cluster.submit(job("survivor", 1, 2, ENDLESS));
    Page list = open("");
    Page page = open("#/jobs/" + id);
    contains(page.locator("h1"), "running");
    contains(section(page, "Checkpoints"), "step 5");
    int events = page.locator(".events tr").count();
    cluster.coordinator().kill();
    contains(page.locator(".connection"), "reconnecting");
    contains(list.locator(".connection"), "reconnecting");
    assertThat(page.locator("h1")).containsText("survivor");
    cluster.startCoordinator();
    contains(page.locator(".connection"), "live");
    contains(list.locator(".connection"), "live");
    int before = cluster.client().job(id).path("step").asInt();
    Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .pollInSameThread()
        .until(
            () ->
                Integer.parseInt(page.locator(".standing b").first().textContent().replace(",", ""))
                    > before);
    assertThat(page.locator(".events tr").count()).isGreaterThanOrEqualTo(events);
    assertThat(list.locator("tr[data-job=" + id + "]")).containsText("running");
    cluster.client().act(id, "cancel");
    contains(page.locator("h1"), "cancelled");
    contains(list.locator("tr[data-job=" + id + "]"), "cancelled");
  }

  @Test
  void shouldFitAPhoneInLightAndDark() {
    String id = cluster.submit(job("a-job-with-a-rather-long-name-of-forty-letters", 1, 2, 20));
    cluster.awaitState(id, "SUCCEEDED");
    for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
      for (String view : List.of("", "#/jobs/" + id, "#/workers", "#/submit")) {
        Page page = browser.open(cluster.server() + "/" + view, 390, 844);
        page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(scheme));
        assertThat(page.locator("h1")).isVisible();
        assertThat(page.locator("main").getByText("Loading").locator("visible=true")).hasCount(0);
        if (view.startsWith("#/jobs/")) {
          assertThat(section(page, "Test images").locator("figure")).not().hasCount(0);
        }
        assertThat(page.locator(".connection")).not().hasAttribute("data-state", "connecting");
        assertThat((Integer) page.evaluate("document.documentElement.scrollWidth"))
            .as("%s in %s", view, scheme)
            .isLessThanOrEqualTo(390);
        assertThat(contrast(page)).as("%s in %s", view, scheme).isGreaterThan(4.5);
        if (!view.isEmpty() || scheme == ColorScheme.LIGHT) {
          Browser.picture(page, "phone-" + view.replaceAll("\\W+|job-.*", "") + "-" + scheme);
        }
      }
    }
  }

  /** Of the page's text on its ground, by WCAG 2.2. */
  private static double contrast(Page page) {
    Object ratio =
        page.evaluate(
            """
            () => {
              const light = (colour) => {
                const [r, g, b] = colour.match(/\\d+/g).map((x) => x / 255)
                    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const body = getComputedStyle(document.body);
              const muted = getComputedStyle(document.querySelector('.connection'));
              const [a, b, c] = [body.color, body.backgroundColor, muted.color].map(light);
              const ratio = (x, y) => (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
              return Math.min(ratio(a, b), ratio(c, b));
            }
            """);
    return ((Number) ratio).doubleValue();
  }

  @Test
  void shouldChangeItsThemeAndRememberIt() {
    Page page = open("");
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.LIGHT));
    assertThat(page.locator("h1")).isVisible();
    String light = ground(page);
    button(page, "Theme: auto").click();
    button(page, "Theme: light").click();
    assertThat(button(page, "Theme: dark")).isVisible();
    assertThat(ground(page)).isNotEqualTo(light);
    page.reload();
    assertThat(button(page, "Theme: dark")).isVisible();
    assertThat(ground(page)).isNotEqualTo(light);
  }

  private static String ground(Page page) {
    return (String) page.evaluate("getComputedStyle(document.body).backgroundColor");
  }

  @Test
  void shouldServeAUserWithoutAMouse() {
    Page page = open("");
    assertThat(page.locator("h1")).isVisible();
    focus(page, "Submit", "link");
    page.keyboard().press("Enter");
    contains(page.locator("#verdict"), "accepts");
    focus(page, "Job file, YAML or JSON", "textarea");
    page.keyboard().press("Control+A");
    page.keyboard().insertText(job("by-keyboard", 1, 2, ENDLESS));
    contains(page.locator("#verdict"), "accepts");
    page.keyboard().press("Control+Enter");
    contains(page.locator("h1"), "by-keyboard");
    contains(page.locator("h1"), "running");
    focus(page, "Jobs", "link");
    page.keyboard().press("Enter");
    assertThat(page.locator("tbody tr")).not().hasCount(0);
    page.keyboard().press("/");
    assertThat(page.getByLabel("Filter jobs")).isFocused();
    page.keyboard().type("by-key");
    assertThat(page.locator("tbody tr")).hasCount(1);
    focus(page, "by-keyboard", "link");
    page.keyboard().press("Enter");
    contains(page.locator("h1"), "running");
    focus(page, "Cancel", "button");
    page.keyboard().press("Enter");
    assertThat(page.locator("dialog")).isVisible();
    page.keyboard().press("Escape");
    assertThat(page.locator("dialog")).hasCount(0);
    focus(page, "Cancel", "button");
    page.keyboard().press("Enter");
    focus(page, "Cancel the job", "button");
    page.keyboard().press("Enter");
    contains(page.locator("h1"), "cancelled");
  }

  /** Tabs on until the focus is there. */
  private static void focus(Page page, String name, String kind) {
    for (int i = 0; i < 80; i++) {
      String focused =
          (String)
              page.evaluate(
                  """
                  (() => {
                    const e = document.activeElement;
                    const kind = {A: 'link', BUTTON: 'button', TEXTAREA: 'textarea'}[e.tagName];
                    return `${kind} ${e.ariaLabel ?? e.textContent.trim()}`;
                  })()
                  """);
      if (focused.equals(kind + " " + name)) {
        return;
      }
      page.keyboard().press("Tab");
    }
    throw new AssertionError("the focus never came to the " + kind + " " + name);
  }

  /** As the server ends every stream after a while, which is to worry nobody. */
  @Test
  void shouldTakeAStreamUpWhereTheServerEndedIt() {
    String id = cluster.submit(job("streamed", 1, 2, ENDLESS));
    Page page = open("#/submit");
    contains(page.locator("#verdict"), "accepts");
    page.evaluate(
        """
        window.seen = [];
        new MutationObserver(() => seen.push(document.querySelector('.connection').dataset.state))
          .observe(document.body, {subtree: true, childList: true, attributes: true});
        """);
    List<String> resumed = new CopyOnWriteArrayList<>();
    AtomicBoolean ended = new AtomicBoolean();
    page.route(
        Pattern.compile(".*/events\\?.*"),
        route -> {
          Map<String, String> headers = route.request().headers();
          if (headers.get("accept").contains("text/event-stream") && ended.getAndSet(true)) {
            resumed.add(headers.getOrDefault("last-event-id", "none"));
          } else if (headers.get("accept").contains("text/event-stream")) {
            route.fulfill(
                new Route.FulfillOptions()
                    .setContentType("text/event-stream")
                    .setBody(
                        """
                        id: 1
                        event: notice
                        data: {"id":1,"type":"notice","time":"2026-01-01T00:00:00Z","data":{"text":"a"}}

                        """));
            return;
          }
          route.resume();
        });
    page.navigate(cluster.server() + "/#/jobs/" + id);
    page.waitForCondition(() -> !resumed.isEmpty());
    assertThat(resumed.get(0)).isEqualTo("1");
    contains(section(page, "Checkpoints"), "step 5");
    contains(page.locator(".connection"), "live");
    assertThat(page.evaluate("seen.includes('reconnecting')")).isEqualTo(false);
    cluster.client().act(id, "cancel");
    contains(page.locator("h1"), "cancelled");
  }

  @Test
  void shouldKeepPagesThatWereLoadedAndSortEitherWayOnAPhone() throws Exception {
    TandemProcess idle =
        cluster.tandem(
            Map.of(),
            "coordinator",
            "--store",
            directory.resolve("idle").toString(),
            "--rest-port",
            "0",
            "--control-port",
            "0");
    String server = idle.await("coordinator at (http://[^,\\s]+)").group(1);
    TandemClient client = new TandemClient(URI.create(server), "");
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 103; i++) {
      byte[] file = job("many-" + i, 1, 1, 10).getBytes(StandardCharsets.UTF_8);
      ids.add(client.submit(file, null).path("id").asText());
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
    button(page, "Load more").click();
    assertThat(rows).hasCount(103);
    client.act(ids.get(0), "cancel");
    client.delete(ids.get(0));
    assertThat(rows).hasCount(102);
    button(page, "Descending").click();
    assertThat(button(page, "Ascending")).isVisible();
    assertThat(rows.first()).containsText("many-1");
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
    button(page, "Continue").click();
    contains(page.locator("#verdict"), "anna is a viewer; this takes a submitter");
    assertThat(checks).hasSize(1);
    page.clock().install();
    page.getByLabel("Job file, YAML or JSON").fill("name: x");
    page.clock().runFor(10_000);
    contains(page.locator("#verdict"), "Nothing can be submitted with this token");
    assertThat(checks).as("looked at once").hasSize(1);
    guarded.close();
  }

  /** One more, with a store of that name. */
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
  void shouldAskForTheToken() throws Exception {
    TandemProcess guarded = coordinator("guarded", Map.of("TANDEM_TOKEN", "s3cret"));
    String port = guarded.await("coordinator at http://[^:]+:(\\d+)").group(1);
    Page page = browser.open("http://127.0.0.1:" + port + "/", 1280, 800);
    Locator token = page.locator("dialog").getByLabel("Token");
    token.fill("wrong");
    button(page, "Continue").click();
    contains(page.locator("dialog"), "did not accept");
    token.fill("s3cret");
    button(page, "Continue").click();
    contains(page.locator("main"), "No job yet");
    contains(page.locator(".connection"), "live");
    page.reload();
    contains(page.locator("main"), "No job yet");
    assertThat(page.evaluate("document.cookie + Object.keys(localStorage)")).isEqualTo("");
    button(page, "Forget token").click();
    assertThat(token).isVisible();
    guarded.close();
  }
}
