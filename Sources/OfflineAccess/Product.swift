/// The one place of the version.
public enum Product {
  public static let version = "0.1.0"
}
