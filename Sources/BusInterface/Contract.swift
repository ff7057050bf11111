/// The introspection XML of the contract, as in dbus/.
public let contractXML = String(decoding: PackageResources.org_offlineaccess_Factor1_xml, as: UTF8.self)
