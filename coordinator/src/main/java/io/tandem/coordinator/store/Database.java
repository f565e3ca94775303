package io.tandem.coordinator.store;

import java.util.regex.Pattern;

/**
 * Where a PostgreSQL database is.
 *
 * @param url for example {@code jdbc:postgresql://db:5432/tandem}; holds no password
 * @param user whom the database knows; it must be allowed to create tables
 * @param password empty for none; never shown
 */
public record Database(String url, String user, String password) {
  private static final Pattern URL = Pattern.compile("jdbc:postgresql://[^?@\\s]+(\\?\\S*)?");
  private static final Pattern SECRET = Pattern.compile("(?i).*[?&][a-z]*password=.*");

  /**
   * @throws IllegalArgumentException when the URL is none of PostgreSQL or holds a password
   */
  public Database {
    if (SECRET.matcher(url).matches()) {
      throw new IllegalArgumentException(
          "the database's URL holds a password, which others can read: give it apart");
    }
    if (!URL.matcher(url).matches()) {
      throw new IllegalArgumentException(
          "database "
              + shown(url)
              + ": give a URL such as jdbc:postgresql://db:5432/tandem, and user and password"
              + " apart");
    }
  }

  /** The URL without its parameters. */
  public String name() {
    return shown(url);
  }

  private static String shown(String url) {
    return url.replaceFirst("\\?.*", "").replaceFirst("//[^/]*@", "//...@");
  }

  @Override
  public String toString() {
    return name() + " as " + user;
  }
}
