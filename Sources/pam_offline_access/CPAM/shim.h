#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdlib.h>
#include <syslog.h>

// Swift cannot call variadic functions; a fixed format also keeps '%' in a text from being read as one.
static inline void pam_log(const pam_handle_t *handle, int priority, const char *text) {
  pam_syslog(handle, priority, "%s", text);
}

// One message in one call of the conversation (pam_conv(3)): LightDM deadlocks on two. Not by pam_prompt, which formats
// a copy. The answer is the caller's to wipe and free, also after a failure.
static inline int pam_converse(pam_handle_t *handle, int style, char **answer, const char *text) {
  const void *item = 0;
  int code = pam_get_item(handle, PAM_CONV, &item);
  const struct pam_conv *conversation = item;
  *answer = 0;
  if (code != PAM_SUCCESS) return code;
  if (!conversation || !conversation->conv) return PAM_CONV_ERR;
  const struct pam_message message = {style, text}, *messages = &message;
  struct pam_response *response = 0;
  code = conversation->conv(1, &messages, &response, conversation->appdata_ptr);
  if (response) {
    *answer = response->resp;
    free(response);
  }
  return code;
}

// Whether a module before this one got this very password. Told by every byte, as the one that asks has both.
static inline _Bool pam_is_password(const pam_handle_t *handle, const char *text) {
  const void *item = 0;
  if (pam_get_item(handle, PAM_AUTHTOK, &item) != PAM_SUCCESS || !item) return 0;
  const char *password = item;
  while (*password && *password == *text) password++, text++;
  return *password == *text;
}

// The function that PAM calls with the verdict of the whole stack, and the delay after a no: libpam calls it at the
// end of every pam_authenticate (pam_fail_delay(3)). It is handed the host's data and not ours, so what is meant is
// kept for the thread, which pam_authenticate does not leave.
typedef void (*pam_verdict_function)(int status, unsigned int microseconds, void *host_data);

static inline void *pam_exchange_receiver(void *next) {
  static _Thread_local void *receiver;  // a variable outside would be declared by Swift, and nowhere defined
  void *before = receiver;
  receiver = next;
  return before;
}

static inline pam_verdict_function pam_get_verdict_function(const pam_handle_t *handle) {
  const void *item = 0;
  return pam_get_item(handle, PAM_FAIL_DELAY, &item) == PAM_SUCCESS ? (pam_verdict_function)item : 0;
}

static inline int pam_set_verdict_function(pam_handle_t *handle, pam_verdict_function function) {
  return pam_set_item(handle, PAM_FAIL_DELAY, (const void *)function);
}
