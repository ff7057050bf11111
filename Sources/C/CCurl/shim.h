#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo take what the option wants, which Swift cannot import.
static inline CURLcode curl_set_text(CURL *curl, CURLoption option, const char *text) {
  return curl_easy_setopt(curl, option, text);
}
static inline CURLcode curl_set_number(CURL *curl, CURLoption option, long number) {
  return curl_easy_setopt(curl, option, number);
}
static inline CURLcode curl_set_size(CURL *curl, CURLoption option, curl_off_t size) {
  return curl_easy_setopt(curl, option, size);
}
static inline CURLcode curl_set_list(CURL *curl, CURLoption option, struct curl_slist *list) {
  return curl_easy_setopt(curl, option, list);
}
static inline CURLcode curl_set_bytes(CURL *curl, CURLoption option, const void *bytes, size_t count) {
  struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
  return curl_easy_setopt(curl, option, &blob);
}
static inline CURLcode curl_set_pointer(CURL *curl, CURLoption option, void *pointer) {
  return curl_easy_setopt(curl, option, pointer);
}
static inline CURLcode curl_set_writer(CURL *curl, size_t (*writer)(char *, size_t, size_t, void *)) {
  return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, writer);
}
static inline CURLcode curl_set_header_writer(CURL *curl, size_t (*writer)(char *, size_t, size_t, void *)) {
  return curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, writer);
}
static inline CURLcode curl_get_number(CURL *curl, CURLINFO info, long *number) {
  return curl_easy_getinfo(curl, info, number);
}
