package io.tandem.coordinator.rest;

import akka.http.javadsl.model.ContentType;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.headers.RawHeader;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.protocol.job.Mistake;

/** Writes answers. */
final class Replies {
  static final ObjectMapper JSON = new ObjectMapper();
  private static final ContentType.WithFixedCharset PROBLEM =
      MediaTypes.customWithFixedCharset(
              "application",
              "problem+json",
              akka.http.javadsl.model.HttpCharsets.UTF_8,
              new java.util.HashMap<>(),
              false)
          .toContentType();
  static final ContentType.NonBinary YAML =
      ContentTypes.create(
          MediaTypes.applicationWithOpenCharset("yaml", "yaml"),
          akka.http.javadsl.model.HttpCharsets.UTF_8);

  private Replies() {}

  static HttpResponse json(int status, JsonNode body) {
    return HttpResponse.create()
        .withStatus(status)
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, bytes(body)));
  }

  static HttpResponse text(String text) {
    return HttpResponse.create()
        .withEntity(HttpEntities.create(ContentTypes.TEXT_PLAIN_UTF8, text));
  }

  static HttpResponse yaml(String text) {
    return HttpResponse.create().withEntity(HttpEntities.create(YAML, text));
  }

  /** What is no PNG goes as JPEG, and is shown as one or not at all. */
  static HttpResponse picture(byte[] bytes) {
    boolean png = bytes.length > 1 && (bytes[0] & 0xff) == 0x89 && bytes[1] == 'P';
    ContentType type = (png ? MediaTypes.IMAGE_PNG : MediaTypes.IMAGE_JPEG).toContentType();
    return HttpResponse.create().withEntity(HttpEntities.create(type, bytes));
  }

  static HttpResponse problem(Problem problem) {
    ObjectNode body = JSON.createObjectNode();
    body.put("type", "about:blank");
    body.put("title", problem.title());
    body.put("status", problem.status());
    body.put("detail", problem.getMessage());
    if (!problem.mistakes().isEmpty()) {
      ArrayNode mistakes = body.putArray("errors");
      for (Mistake mistake : problem.mistakes()) {
        ObjectNode told = mistakes.addObject();
        told.put("path", mistake.path());
        told.put("given", mistake.given());
        told.put("allowed", mistake.allowed());
        int line = problem.line(mistake);
        if (line > 0) {
          told.put("line", line);
        }
      }
    }
    HttpResponse response =
        HttpResponse.create()
            .withStatus(problem.status())
            .withEntity(HttpEntities.create(PROBLEM, bytes(body)));
    return switch (problem.status()) {
      case 401 -> response.addHeader(RawHeader.create("WWW-Authenticate", "Bearer"));
      case 429 -> response.addHeader(RawHeader.create("Retry-After", "1"));
      case 503 -> response.addHeader(RawHeader.create("Retry-After", "5"));
      default -> response;
    };
  }

  /** With the headers that keep a browser from making of an answer more than it is. */
  static HttpResponse guarded(HttpResponse response) {
    HttpResponse guarded =
        response
            .addHeader(RawHeader.create("X-Content-Type-Options", "nosniff"))
            .addHeader(RawHeader.create("Referrer-Policy", "no-referrer"))
            .addHeader(RawHeader.create("Cross-Origin-Resource-Policy", "same-origin"));
    if (response.getHeader("Content-Security-Policy").isEmpty()) {
      guarded =
          guarded
              .addHeader(
                  RawHeader.create(
                      "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"))
              .addHeader(RawHeader.create("Cache-Control", "no-store"));
    }
    return guarded;
  }

  /**
   * The same over TLS, and nothing else for a year. Not for localhost: a browser would take it for
   * every other server of that machine too.
   */
  static HttpResponse secured(HttpResponse response, String host) {
    return host.equalsIgnoreCase("localhost")
        ? response
        : response.addHeader(RawHeader.create("Strict-Transport-Security", "max-age=31536000"));
  }

  private static byte[] bytes(JsonNode body) {
    try {
      return JSON.writeValueAsBytes(body);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("an answer cannot be written", e);
    }
  }
}
