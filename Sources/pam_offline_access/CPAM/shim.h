#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <syslog.h>

// Swift cannot call variadic functions; a fixed format also keeps '%' in a text from being read as one.
static inline void pam_log(const pam_handle_t *handle, int priority, const char *text) {
  pam_syslog(handle, priority, "%s", text);
}

// One message in one call of the conversation: LightDM deadlocks on two.
static inline int pam_converse(pam_handle_t *handle, int style, char **answer, const char *text) {
  return pam_prompt(handle, style, answer, "%s", text);
}
