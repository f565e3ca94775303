package io.tandem.coordinator.store;

import java.sql.Types;
import org.jdbi.v3.core.argument.AbstractArgumentFactory;
import org.jdbi.v3.core.argument.Argument;
import org.jdbi.v3.core.config.ConfigRegistry;

/** Texts as every database takes them: PostgreSQL refuses the character 0. */
final class PlainText extends AbstractArgumentFactory<String> {
  PlainText() {
    super(Types.VARCHAR);
  }

  @Override
  protected Argument build(String value, ConfigRegistry config) {
    String plain = value.indexOf('\0') < 0 ? value : value.replace('\0', '\uFFFD');
    return (position, statement, context) -> statement.setString(position, plain);
  }
}
