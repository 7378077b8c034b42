/** Parts of the page that are loaded when they are first drawn. */
import { type ComponentType, h } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { text } from './strings/text.ts';

/** A component that is loaded when it is first drawn. `quiet`: its place is empty until then. */
export function onDemand<Props extends object = object>(
  load: () => Promise<ComponentType<Props>>,
  how: 'told' | 'quiet' = 'told',
): ComponentType<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function OnDemand(props: Props) {
    const [state, setState] = useState<'loading' | 'failed' | 'loaded'>(loaded === null ? 'loading' : 'loaded');
    const start = () => {
      setState('loading');
      load().then(
        (component) => {
          loaded = component;
          setState('loaded');
        },
        () => setState('failed'),
      );
    };
    useEffect(() => {
      if (loaded === null) start();
    }, []);
    if (state === 'loaded' && loaded !== null) return h(loaded, props);
    if (state === 'loading') return how === 'quiet' ? null : <p class="loading">{text.frame.loading}</p>;
    return (
      <p class="failure" role="alert">
        {text.frame.notLoaded}{' '}
        <button type="button" onClick={start}>
          {text.frame.again}
        </button>
      </p>
    );
  };
}
