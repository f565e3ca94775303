package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How the web page is served. */
class PageTest extends RunningCoordinator {
  @Test
  void shouldServeThePageWithAStrictPolicy() throws Exception {
    HttpResponse<String> page = call("GET", "/", "");
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.body()).startsWith("<!doctype html>").contains("/web/app.js");
    HttpHeaders headers = page.headers();
    assertThat(header(headers, "Content-Type")).isEqualTo("text/html; charset=UTF-8");
    assertThat(header(headers, "Content-Security-Policy"))
        .contains("default-src 'self'")
        .contains("frame-ancestors 'none'")
        .doesNotContain("unsafe");
    assertThat(header(headers, "X-Content-Type-Options")).isEqualTo("nosniff");
    assertThat(header(headers, "X-Frame-Options")).isEqualTo("DENY");
    assertThat(header(headers, "Referrer-Policy")).isEqualTo("no-referrer");
    assertThat(contentType("/web/app.js")).isEqualTo("text/javascript; charset=UTF-8");
    assertThat(contentType("/web/style.css")).isEqualTo("text/css; charset=UTF-8");
    assertThat(contentType("/web/icon.svg")).isEqualTo("image/svg+xml; charset=UTF-8");
    assertThat(contentType("/web/lib/uplot/dist/uPlot.esm.js")).startsWith("text/javascript");
    assertThat(call("GET", "/web/lib/lit-html/lit-html.js", "").body()).contains("export");
  }

  private String contentType(String path) throws Exception {
    return header(call("GET", path, "").headers(), "Content-Type");
  }

  private static String header(HttpHeaders headers, String name) {
    List<String> all = headers.allValues(name);
    assertThat(all).as(name).hasSize(1);
    return all.get(0);
  }

  @Test
  void shouldAnswerHeadAndWhatIsKnownAlready() throws Exception {
    HttpResponse<String> whole = call("GET", "/web/app.js", "");
    HttpResponse<String> head = call("HEAD", "/web/app.js", "");
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.body()).isEmpty();
    String tag = header(whole.headers(), "ETag");
    assertThat(header(head.headers(), "ETag")).isEqualTo(tag);
    assertThat(header(whole.headers(), "Cache-Control")).isEqualTo("no-cache");
    HttpResponse<String> again = call("GET", "/web/app.js", "", "If-None-Match", "\"x\", W/" + tag);
    assertThat(again.statusCode()).isEqualTo(304);
    assertThat(again.body()).isEmpty();
    assertThat(call("GET", "/web/app.js", "", "If-None-Match", "\"x\"").statusCode())
        .isEqualTo(200);
    HttpResponse<String> packed = call("GET", "/web/app.js", "", "Accept-Encoding", "br, gzip;q=1");
    assertThat(header(packed.headers(), "Content-Encoding")).isEqualTo("gzip");
    assertThat(header(packed.headers(), "ETag")).isNotEqualTo(tag);
    assertThat(call("GET", "/", "", "Accept-Encoding", "gzip;q=0").body()).startsWith("<!doctype");
  }

  @Test
  void shouldServeNothingElse() throws Exception {
    for (String path :
        List.of(
            "/web/",
            "/web/none.js",
            "/web/../rest/openapi.yaml",
            "/web/%2e%2e/rest/openapi.yaml",
            "/web/..%2frest%2fopenapi.yaml",
            "/web//app.js",
            "/web/index.html",
            "/web/PageFiles.class",
            "/web/lib/lit-html/package.json")) {
      assertThat(call("GET", path, "").statusCode()).as(path).isEqualTo(404);
    }
    HttpResponse<String> posted = call("POST", "/", "x");
    assertThat(posted.statusCode()).isEqualTo(405);
    assertThat(header(posted.headers(), "Allow")).isEqualTo("GET, HEAD");
  }

  @Test
  void shouldServeThePageButNothingOfAnybodyWithoutTheToken() throws Exception {
    server.close();
    server =
        CoordinatorServer.start(
            new CoordinatorSettings(directory, "127.0.0.1", 0, "127.0.0.1", 0, "secret"), QUICK);
    assertThat(call("GET", "/", "").statusCode()).isEqualTo(200);
    assertThat(call("GET", "/web/app.js", "").statusCode()).isEqualTo(200);
    assertThat(call("GET", "/v1/changes", "").statusCode()).isEqualTo(401);
  }

  @Test
  void shouldKeepOtherSitesPagesOutWhereNoTokenDoes() throws Exception {
    assertThat(call("GET", "/v1/jobs", "", "Sec-Fetch-Site", "same-origin").statusCode())
        .isEqualTo(200);
    for (String site : List.of("cross-site", "same-site")) {
      HttpResponse<String> refused =
          call("POST", "/v1/jobs", TestJobs.yaml(1, 1), "Sec-Fetch-Site", site);
      assertThat(refused.statusCode()).isEqualTo(403);
      assertThat(refused.body()).contains("another site").contains("TANDEM_TOKEN");
    }
    assertThat(json("GET", "/v1/jobs").get("jobs")).isEmpty();
  }

  @Test
  void shouldGuardEveryAnswerOfTheInterface() throws Exception {
    for (String path : List.of("/v1/jobs", "/v1/none", "/health/live", "/metrics")) {
      HttpHeaders headers = call("GET", path, "").headers();
      assertThat(header(headers, "Content-Security-Policy")).startsWith("default-src 'none'");
      assertThat(header(headers, "Cache-Control")).isEqualTo("no-store");
      assertThat(header(headers, "X-Content-Type-Options")).isEqualTo("nosniff");
    }
  }
}
