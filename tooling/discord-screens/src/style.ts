/** The look of a chat in Discord's dark theme, in our own words. */
export const STYLE = `
  * { box-sizing: border-box }
  body { margin: 0; padding: 12px 0 14px; background: #313338; color: #dbdee1;
    font: 15.5px/1.38 "gg sans", "Noto Sans", "Liberation Sans", "Helvetica Neue", Arial, sans-serif }
  .message { display: grid; grid-template-columns: 40px 1fr; column-gap: 16px; padding: 6px 24px 6px 16px }
  .message + .message { margin-top: 10px }
  .ephemeral { background: #35375a66; border-left: 2px solid #5865f2; padding-left: 14px }
  .above { grid-column: 1 / 3; display: flex; align-items: center; gap: 5px; padding-left: 20px; margin-bottom: 4px;
    font-size: 13.5px; color: #b5bac1; white-space: nowrap; overflow: hidden }
  .above span { overflow: hidden; text-overflow: ellipsis }
  .above b { font-weight: 600; color: #dbdee1 }
  .above i { flex: none; width: 32px; height: 10px; margin: 9px 2px 0 0; border: solid #4e5058; border-width: 2px 0 0 2px;
    border-top-left-radius: 6px }
  .avatar { width: 40px; height: 40px; margin-top: 2px; border-radius: 50%; color: #fff; font-size: 18px; font-weight: 600;
    display: flex; align-items: center; justify-content: center }
  .right { min-width: 0 }
  .head { display: flex; align-items: center; gap: 6px; line-height: 1.3; margin-bottom: 2px }
  .head b { font-weight: 600; color: #f2f3f5 }
  .head time { font-size: 12px; color: #949ba4; margin-left: 2px }
  .badge { background: #5865f2; color: #fff; border-radius: 4px; font-size: 10.5px; font-weight: 600; padding: 1px 5px }
  .block { white-space: pre-wrap; overflow-wrap: anywhere }
  .small { font-size: 12.5px; color: #949ba4; margin-top: 2px }
  .heading { font-size: 20px; font-weight: 700 }
  .quote { border-left: 4px solid #4e5058; padding-left: 10px }
  .item { padding-left: 18px; text-indent: -12px }
  .item::before { content: "\\2022\\00a0\\00a0" }
  a { color: #00a8fc }
  .mention { background: #5865f24d; color: #c9cdfb; border-radius: 3px; padding: 0 2px }
  mark { background: #1e1f22; color: transparent; border-radius: 3px }
  code, pre { background: #2b2d31; border-radius: 4px; font: 13.5px "DejaVu Sans Mono", monospace; padding: 1px 4px }
  img { display: block; max-width: 410px; max-height: 320px; border-radius: 8px; margin-top: 6px }
  .file { display: inline-flex; flex-direction: column; min-width: 320px; background: #2b2d31; border: 1px solid #3f4147;
    border-radius: 8px; padding: 10px 14px; margin-top: 6px }
  .file b { font-weight: 500 }
  .file small, .edited { font-size: 12px; color: #949ba4 }
  .buttons { display: flex; gap: 8px; margin-top: 8px }
  .button { border-radius: 8px; padding: 5px 14px; font-size: 14px; font-weight: 500; color: #fff; background: #4e5058 }
  .button.primary { background: #5865f2 }
  .button.success { background: #248046 }
  .button.danger { background: #da373c }
  .alone { display: flex; align-items: center; gap: 4px; font-size: 12.5px; color: #949ba4; margin-top: 6px }
`
