// GTK 3 and what of it Swift does not import.
#include <gdk/gdkkeysyms.h>
#include <gtk/gtk.h>

/// g_signal_emit_by_name with one text, as "announcement" of an AtkObject has it.
static inline void gtk_shim_emit_text(gpointer instance, const char *signal, const char *text) {
  g_signal_emit_by_name(instance, signal, text);
}

/// g_object_set of one boolean property.
static inline void gtk_shim_set_flag(gpointer object, const char *property, gboolean value) {
  g_object_set(object, property, value, NULL);
}

/// g_object_get and g_object_set of one text; the text that is got is the caller's.
static inline char *gtk_shim_get_text(gpointer object, const char *property) {
  char *value = NULL;
  g_object_get(object, property, &value, NULL);
  return value;
}
static inline void gtk_shim_set_text(gpointer object, const char *property, const char *value) {
  g_object_set(object, property, value, NULL);
}

/// g_object_get and g_object_set of one number.
static inline int gtk_shim_get_number(gpointer object, const char *property) {
  int value = 0;
  g_object_get(object, property, &value, NULL);
  return value;
}
static inline void gtk_shim_set_number(gpointer object, const char *property, int value) {
  g_object_set(object, property, value, NULL);
}

static inline gboolean gtk_shim_leave_by_tab(GtkWidget *list, GtkDirectionType direction, gpointer data) {
  (void)data;
  if ((direction == GTK_DIR_TAB_FORWARD || direction == GTK_DIR_TAB_BACKWARD) &&
      gtk_container_get_focus_child(GTK_CONTAINER(list)) != NULL)
    g_signal_stop_emission_by_name(list, "focus");
  return FALSE;
}

/// Lets the Tab key leave a GtkListBox: by itself it goes through all rows first, and the arrow keys do that, too.
static inline void gtk_shim_let_tab_leave(GtkWidget *list) {
  g_signal_connect(list, "focus", G_CALLBACK(gtk_shim_leave_by_tab), NULL);
}

/// Two children of a container in the order of the Tab key. GTK 3 has no other way; GTK 4 will not need one.
static inline void gtk_shim_set_focus_order(GtkWidget *container, GtkWidget *first, GtkWidget *second) {
  GList *order = g_list_append(g_list_append(NULL, first), second);
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  gtk_container_set_focus_chain(GTK_CONTAINER(container), order);
  G_GNUC_END_IGNORE_DEPRECATIONS
  g_list_free(order);
}
