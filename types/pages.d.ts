// What the scripts of the pages find in the browser beside the DOM: htmx and its events.

declare global {
  interface HtmxDetail {
    elt: Element;
    target: HTMLElement;
    xhr: XMLHttpRequest;
    requestConfig: { verb: string };
    shouldSwap: boolean;
  }

  interface DocumentEventMap {
    "htmx:afterSettle": CustomEvent<HtmxDetail>;
    "htmx:afterSwap": CustomEvent<HtmxDetail>;
    "htmx:beforeSwap": CustomEvent<HtmxDetail>;
    "htmx:load": CustomEvent<HtmxDetail>;
    "htmx:responseError": CustomEvent<HtmxDetail>;
    "htmx:sendError": CustomEvent<HtmxDetail>;
    "theme-changed": CustomEvent<null>;
  }

  const htmx: {
    ajax(verb: string, path: string, context: object): Promise<void>;
    trigger(element: Element, event: string): void;
  };
}
export {};
