package io.tandem.coordinator.rest;

import akka.http.javadsl.model.ContentType;
import akka.http.javadsl.model.HttpCharsets;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.headers.RawHeader;
import io.tandem.coordinator.web.PageFile;
import io.tandem.coordinator.web.PageFiles;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;

/**
 * Serves the web page. It holds nothing of anybody, so it needs no token; what it shows it calls
 * for like every other client. Thread-safe.
 */
final class Page {
  /** Nothing but this server's own files; no script or style inside of a document. */
  static final String POLICY =
      "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none';"
          + " frame-ancestors 'none'; object-src 'none'";

  private static final List<HttpHeader> HEADERS =
      List.of(
          RawHeader.create("Content-Security-Policy", POLICY),
          RawHeader.create("X-Frame-Options", "DENY"),
          RawHeader.create("Cross-Origin-Opener-Policy", "same-origin"),
          RawHeader.create("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
          RawHeader.create("Vary", "Accept-Encoding"),
          // Asked for again each time, and answered 304: a new coordinator's page shows at once.
          RawHeader.create("Cache-Control", "no-cache"));

  private final PageFiles files = new PageFiles();

  boolean owns(HttpRequest request) {
    return PageFiles.owns(request.getUri().path());
  }

  /** Answers GET and HEAD. */
  HttpResponse answer(HttpRequest request) {
    boolean head = request.method().equals(HttpMethods.HEAD);
    if (!head && !request.method().equals(HttpMethods.GET)) {
      String given = "given " + request.method().value() + "; allowed: GET, HEAD";
      return Replies.problem(new Problem(405, "Method not allowed", given, List.of()))
          .addHeader(RawHeader.create("Allow", "GET, HEAD"));
    }
    String path = request.getUri().path();
    Optional<PageFile> found = files.at(path);
    if (found.isEmpty()) {
      return Replies.problem(Problem.notFound("the web page has no file " + path));
    }
    PageFile file = found.get();
    boolean gzip = accepts(request, "Accept-Encoding", "gzip");
    String tag = gzip ? file.entityTag().replaceFirst("\"$", "-gzip\"") : file.entityTag();
    HttpResponse response =
        HttpResponse.create().addHeaders(HEADERS).addHeader(RawHeader.create("ETag", tag));
    if (accepts(request, "If-None-Match", tag)) {
      return response.withStatus(304);
    }
    byte[] bytes = gzip ? file.gzip() : file.bytes();
    if (gzip) {
      response = response.addHeader(RawHeader.create("Content-Encoding", "gzip"));
    }
    // To HEAD, the server sends the same headers without the body.
    return response.withEntity(HttpEntities.create(contentType(file), bytes));
  }

  /** Whether a list in a header has that element, whatever its parameters. */
  private static boolean accepts(HttpRequest request, String header, String wanted) {
    String list = request.getHeader(header).map(HttpHeader::value).orElse("");
    return Arrays.stream(list.split(","))
        .map(element -> element.strip().replaceFirst("^W/", ""))
        .anyMatch(
            element ->
                element.split(";", 2)[0].strip().equals(wanted)
                    && !element.matches(".*;\\s*q=0(\\.0*)?"));
  }

  private static ContentType contentType(PageFile file) {
    String[] type = file.mediaType().split("/");
    return MediaTypes.customWithOpenCharset(type[0], type[1], new HashMap<>(), false)
        .toContentType(HttpCharsets.UTF_8);
  }
}
