package io.tandem.coordinator.rest;

import java.nio.file.Path;

/**
 * Who may call REST, and how it is encrypted.
 *
 * @param token an administrator's bearer token; empty means none
 * @param tokens a file of more tokens with roles, or null; {@link #tokenLine} makes its lines
 * @param certificate PEM certificate chain for TLS, or null for plain HTTP
 * @param key its private key, given with it
 */
public record RestSecurity(String token, Path tokens, Path certificate, Path key) {
  /**
   * Both halves of TLS or none.
   *
   * @throws IllegalArgumentException where one is missing
   */
  public RestSecurity {
    token = token == null ? "" : token.strip();
    if ((certificate == null) != (key == null)) {
      throw new IllegalArgumentException(
          "TLS needs a certificate and its key: give both --rest-certificate and --rest-key, or none");
    }
  }

  /** One token, or none where it is empty; no TLS. */
  public static RestSecurity of(String token) {
    return new RestSecurity(token, null, null, null);
  }

  /** Whether nobody needs a token. */
  boolean isOpen() {
    return token.isEmpty() && tokens == null;
  }

  /** How addresses begin. */
  public String scheme() {
    return certificate == null ? "http" : "https";
  }

  /**
   * A line for the file of tokens, with the token's hash.
   *
   * @param role viewer, submitter or admin
   * @throws IllegalArgumentException where there is no such role, or the name is not one word
   */
  public static String tokenLine(String name, String role, String token) {
    if (!name.matches("[\\w.@-]{1,100}")) {
      throw new IllegalArgumentException(
          "the name '" + name + "': allowed are 1 to 100 letters, digits and _ . @ -");
    }
    return Tokens.line(name, Role.of(role), token);
  }
}
